/* The map: relief, glaciers, pictures, and the lakes as they were on a day. */

const COLOURS = { present: "#0072b2", gone: "#993300", unconfirmed: "#bd7b00", merged: "#4d565c" };
const ICE = { color: "#8fb3c8", weight: 1, fillColor: "#f2fbff", fillOpacity: 0.75, interactive: false };
const RIVER = { color: "#2a6f97", weight: 1, fillColor: "#2a6f97", fillOpacity: 0.6, interactive: false };
const TINY_PX = 7;
const PICTURES_FROM_ZOOM = 13;
const MOST_PICTURES = 40;

/* A scale bar whose unit is in the language of the page. */
const ScaleBar = L.Control.Scale.extend({
  _updateScale(bar, label, share) {
    const [length, unit] = label.split(" ");
    const units = { m: t("m"), km: t("km") };
    L.Control.Scale.prototype._updateScale.call(this, bar, `${length} ${units[unit]}`, share);
  },
});

function makeMap(onChoose) {
  const map = L.map("map", {
    preferCanvas: true, attributionControl: false, zoomSnap: 0.5, maxZoom: 18, minZoom: 3,
    zoomAnimation: false, worldCopyJump: false, zoomControl: false,
  });
  new ScaleBar({ imperial: false }).addTo(map);
  L.control.zoom({ position: "topright", zoomInTitle: t("Zoom in"), zoomOutTitle: t("Zoom out") }).addTo(map);
  for (const [name, order] of [["relief", 210], ["ice", 220], ["pictures", 230], ["rivers", 240], ["lakes", 420]]) {
    map.createPane(name).style.zIndex = order;
  }
  const painter = L.canvas({ pane: "lakes", tolerance: 6 });
  const [icePainter, riverPainter] = ["ice", "rivers"].map((pane) => L.canvas({ pane }).addTo(map));
  const places = LAKES.shape.map((text, lake) => boundsOf(unpacked(text, DATA.origin), lake));
  const all = places.reduce((grown, place) => (place ? grown.extend(place) : grown), L.latLngBounds([]));
  if (DATA.relief) {
    L.imageOverlay(DATA.relief.src, DATA.relief.bounds, { pane: "relief", opacity: 0.75, alt: "" }).addTo(map);
  }
  const ice = L.layerGroup(
    DATA.glaciers.map((text) =>
      L.polygon(unpacked(text, DATA.origin), { ...ICE, renderer: icePainter })),
  ).addTo(map);
  const rivers = L.layerGroup().addTo(map);
  const lakes = L.layerGroup().addTo(map);
  const pictures = L.layerGroup().addTo(map);
  const state = { day: DATA.days.length - 1, shown: new Set(places.keys()), chosen: null, withPictures: true };

  function draw() {
    lakes.clearLayers();
    pictures.clearLayers();
    const view = map.getBounds().pad(0.1);
    const zoom = map.getZoom();
    let left = state.withPictures && zoom >= PICTURES_FROM_ZOOM ? MOST_PICTURES : 0;
    for (const lake of state.shown) {
      const place = places[lake];
      if (!place || !view.intersects(place)) continue;
      const hasPicture = left > 0 && showPicture(lake);
      if (hasPicture) left -= 1;
      drawLake(lake, place, zoom, hasPicture);
    }
  }

  function showPicture(lake) {
    const at = pictureOn(lake, state.day);
    if (at < 0) return false;
    const canvas = document.createElement("canvas");
    drawPicture(canvas, lake, at);
    /* an svgOverlay takes any element that is its own drawing */
    L.svgOverlay(canvas, picturesOf(lake).bounds, { pane: "pictures" }).addTo(pictures);
    return true;
  }

  /* What mapping took for rivers on the images of the day. */
  function drawRivers() {
    rivers.clearLayers();
    DATA.rivers.forEach((texts, scene) => {
      if (DATA.scenes.day[scene] !== state.day) return;
      for (const text of texts)
        L.polygon(unpacked(text, DATA.origin), { ...RIVER, renderer: riverPainter }).addTo(rivers);
    });
  }

  function drawLake(lake, place, zoom, hasPicture) {
    const { seen, isOfDay } = knownOn(lake, state.day);
    const isChosen = lake === state.chosen;
    const isGone = seen !== null && statusOf(seen) === "absent";
    const colour = isGone ? COLOURS[LAKES.state[lake] === "merged" ? "merged" : "gone"]
      : LAKES.state[lake] === "unconfirmed" ? COLOURS.unconfirmed : COLOURS.present;
    const isSure = isOfDay && isMeasured(seen);
    const style = {
      renderer: painter, color: isChosen ? "#000" : colour, weight: isChosen ? 3 : 1.8,
      dashArray: isSure || seen === null ? null : "4 4",
      fillColor: colour, fillOpacity: isSure && !isGone ? (hasPicture ? 0.08 : 0.45) : 0.05,
      opacity: seen === null ? 0.35 : 1,
    };
    const size = pixels(place);
    const isTiny = size < TINY_PX;
    const rings = isTiny ? null : shapeOn(lake, seen, isGone);
    if (hasPicture && !isTiny) /* an image has all colours */
      L.polygon(rings, { renderer: painter, color: "#fff", weight: style.weight + 2.4, fill: false, interactive: false }).addTo(lakes);
    const drawing = isTiny
      ? L.circleMarker(place.getCenter(), { ...style, radius: isChosen ? 8 : 4.5, weight: isChosen ? 3 : 1.5, fillOpacity: isSure && !isGone ? 0.7 : 0.1 })
      : L.polygon(rings, style);
    drawing.on("click", () => onChoose(lake)).addTo(lakes);
    if (ALERTS.has(lake))
      L.circleMarker(place.getCenter(), {
        renderer: painter, radius: Math.max(9, size / 2 + 6), color: COLOURS.gone, weight: 1.5, fill: false, interactive: false,
      }).addTo(lakes);
  }

  const pixels = (place) => {
    const [one, other] = [place.getNorthWest(), place.getSouthEast()].map((corner) => map.latLngToLayerPoint(corner));
    return Math.max(other.x - one.x, other.y - one.y);
  };
  const shapeOn = (lake, seen, isGone) =>
    seen === null || isGone || !ROWS.shape[seen] ? unpacked(LAKES.shape[lake], DATA.origin) : ringsOf(seen);

  const home = all.isValid() ? all.pad(0.08) : L.latLngBounds([[-60, -150], [70, 150]]);
  map.fitBounds(home, { animate: false });
  map.on("moveend zoomend resize", draw);
  draw();
  drawRivers();
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
  return {
    map, draw, ice, rivers,
    set: (changes) => {
      Object.assign(state, changes);
      draw();
      if ("day" in changes) drawRivers();
    },
    state,
    goTo: (lake) => {
      if (places[lake]) map.fitBounds(places[lake].pad(1.2), { maxZoom: 16, animate: false });
    },
    goHome: () => map.fitBounds(home, { animate: false }),
  };
}

/* What the map draws, and what each drawing means; only what this map has. */
function mapKey() {
  const patch = (...marks) => svg("svg", { viewBox: "0 0 22 14", "aria-hidden": "true" }, ...marks);
  const box = (attributes) => patch(svg("rect", { x: 2, y: 2, width: 18, height: 10, rx: 5, ...attributes }));
  const outlined = (colour, opacity, more = {}) =>
    box({ stroke: colour, "stroke-width": 1.8, fill: colour, "fill-opacity": opacity, ...more });
  const has = (state) => LAKES.state.includes(state);
  const marks = [
    ["present", outlined(COLOURS.present, 0.45), t("lake, measured on this date")],
    ["earlier", outlined(COLOURS.present, 0.05, { "stroke-dasharray": "4 4" }), t("lake, last seen earlier or only in part")],
    has("unconfirmed") && ["unconfirmed", outlined(COLOURS.unconfirmed, 0.45), word("unconfirmed")],
    (has("gone") || has("merged")) && ["gone", outlined(COLOURS.gone, 0.05), word("gone")],
    has("merged") && ["merged", outlined(COLOURS.merged, 0.05), word("merged")],
    ALERTS.size && ["alert", patch(svg("circle", { cx: 11, cy: 7, r: 6, fill: "none", stroke: COLOURS.gone, "stroke-width": 1.5 })), t("Alert")],
    DATA.glaciers.length && ["ice", box({ stroke: ICE.color, fill: ICE.fillColor, rx: 0 }), t("glacier")],
    DATA.relief && ["stream", patch(svg("path", { d: "M1 11C8 10 12 4 21 3", fill: "none", stroke: "#3a80b2", "stroke-width": 1.5 })), t("stream by the elevation model")],
    DATA.rivers.some((texts) => texts.length) && ["river", patch(svg("path", { d: "M1 11C8 10 12 4 21 3", fill: "none", stroke: RIVER.color, "stroke-width": 4 })), t("river on the image")],
  ];
  return element("ul", {}, ...marks.filter(Boolean).map(([name, mark, text]) => element("li", { "data-mark": name }, mark, text)));
}

function boundsOf(rings, lake) {
  if (rings.length) return L.latLngBounds(rings.flat());
  const [lat, lon] = [LAKES.lat[lake], LAKES.lon[lake]];
  return lat === null || lon === null ? null : L.latLngBounds([[lat, lon], [lat, lon]]);
}
