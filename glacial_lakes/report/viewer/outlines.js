"use strict";
/* Outlines as packing.py writes them → rings of [latitude, longitude]. */

const STEPS_PER_DEGREE = 100000;

function unpacked(text, origin) {
  const rings = [];
  for (const word of text ? text.split(" ") : []) {
    const ring = [];
    let [lon, lat] = origin;
    let at = 0;
    const next = () => {
      let value = 0, shift = 0, digit;
      do {
        digit = word.charCodeAt(at) - 63;
        at += 1;
        value += (digit & 31) * 2 ** shift;
        shift += 5;
      } while (digit & 32);
      return value % 2 ? -(value + 1) / 2 : value / 2;
    };
    while (at < word.length) {
      lon += next();
      lat += next();
      ring.push([lat / STEPS_PER_DEGREE, lon / STEPS_PER_DEGREE]);
    }
    rings.push(ring);
  }
  return rings;
}
