/* The map: relief, glaciers, pictures, and the lakes as they were on a day. */

const COLOURS = { present: "#0072b2", gone: "#d55e00", unconfirmed: "#e69f00", merged: "#6b767e" };
const TINY_PX = 7;
const PICTURES_FROM_ZOOM = 13;
const MOST_PICTURES = 40;

function makeMap(onChoose) {
  const map = L.map("map", {
    preferCanvas: true, attributionControl: false, zoomSnap: 0.5, maxZoom: 18, minZoom: 3,
    zoomAnimation: false, worldCopyJump: false,
  });
  L.control.scale({ imperial: false }).addTo(map);
  map.zoomControl.setPosition("topright");
  for (const [name, order] of [["relief", 210], ["ice", 220], ["pictures", 230], ["lakes", 420]]) {
    map.createPane(name).style.zIndex = order;
  }
  const painter = L.canvas({ pane: "lakes", tolerance: 6 });
  const places = LAKES.shape.map((text, lake) => boundsOf(unpacked(text, DATA.origin), lake));
  const all = places.reduce((grown, place) => (place ? grown.extend(place) : grown), L.latLngBounds([]));
  if (DATA.relief) {
    L.imageOverlay(DATA.relief.src, DATA.relief.bounds, { pane: "relief", opacity: 0.75, alt: "" }).addTo(map);
  }
  const ice = L.layerGroup(
    DATA.glaciers.map((text) =>
      L.polygon(unpacked(text, DATA.origin), {
        renderer: icePainter(map), color: "#8fb3c8", weight: 1, fillColor: "#f2fbff", fillOpacity: 0.75, interactive: false,
      }),
    ),
  ).addTo(map);
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
      if (left && showPicture(lake)) left -= 1;
      drawLake(lake, place, zoom);
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

  function drawLake(lake, place, zoom) {
    const { seen, isOfDay } = knownOn(lake, state.day);
    const isChosen = lake === state.chosen;
    const isGone = seen !== null && statusOf(seen) === "absent";
    const colour = isGone ? COLOURS[LAKES.state[lake] === "merged" ? "merged" : "gone"]
      : LAKES.state[lake] === "unconfirmed" ? COLOURS.unconfirmed : COLOURS.present;
    const isSure = isOfDay && isMeasured(seen);
    const style = {
      renderer: painter, color: isChosen ? "#000" : colour, weight: isChosen ? 3 : 1.8,
      dashArray: isSure || seen === null ? null : "4 4",
      fillColor: colour, fillOpacity: isSure && !isGone ? (picturesHere(zoom) ? 0.12 : 0.45) : 0.05,
      opacity: seen === null ? 0.35 : 1,
    };
    const size = pixels(place);
    const drawing = size < TINY_PX
      ? L.circleMarker(place.getCenter(), { ...style, radius: isChosen ? 8 : 4.5, weight: isChosen ? 3 : 1.5, fillOpacity: isSure && !isGone ? 0.7 : 0.1 })
      : L.polygon(shapeOn(lake, seen, isGone), style);
    drawing.on("click", () => onChoose(lake)).addTo(lakes);
    if (ALERTS.has(lake))
      L.circleMarker(place.getCenter(), {
        renderer: painter, radius: Math.max(9, size / 2 + 6), color: COLOURS.gone, weight: 1.5, fill: false, interactive: false,
      }).addTo(lakes);
  }

  const picturesHere = (zoom) => PICTURES && state.withPictures && zoom >= PICTURES_FROM_ZOOM;
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
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
  return {
    map, draw, ice,
    set: (changes) => { Object.assign(state, changes); draw(); },
    state,
    goTo: (lake) => {
      if (places[lake]) map.fitBounds(places[lake].pad(1.2), { maxZoom: 16, animate: false });
    },
    goHome: () => map.fitBounds(home, { animate: false }),
  };
}

let iceCanvas = null;
function icePainter(map) {
  iceCanvas ??= L.canvas({ pane: "ice" }).addTo(map);
  return iceCanvas;
}

function boundsOf(rings, lake) {
  if (rings.length) return L.latLngBounds(rings.flat());
  const [lat, lon] = [LAKES.lat[lake], LAKES.lon[lake]];
  return lat === null || lon === null ? null : L.latLngBounds([[lat, lon], [lat, lon]]);
}
