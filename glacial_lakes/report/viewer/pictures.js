/* Images of a lake: one sheet a lake, one picture of it an image, cut and drawn on canvases. */

const PICTURES = DATA.pictures;
const sheets = new Map();

/* The pictures of a lake, or null: {bounds, size, scenes}. */
const picturesOf = (lake) => (PICTURES ? PICTURES.lakes[lake] : null);

function sheetOf(lake) {
  if (!sheets.has(lake)) {
    const image = new Image();
    const ready = new Promise((done) => {
      image.addEventListener("load", () => done(image));
      image.addEventListener("error", () => done(null));
    });
    image.src = picturesOf(lake).src;
    sheets.set(lake, ready);
    if (sheets.size > 200) sheets.delete(sheets.keys().next().value);
  }
  return sheets.get(lake);
}

/* Which picture shows a day: of several images of a day, the first. */
function pictureOn(lake, day) {
  const pictures = picturesOf(lake);
  return pictures ? pictures.scenes.findIndex((scene) => DATA.scenes.day[scene] === day) : -1;
}

async function drawPicture(canvas, lake, place) {
  const { size } = picturesOf(lake);
  canvas.width = canvas.height = size;
  const sheet = await sheetOf(lake);
  if (sheet) {
    const columns = sheet.naturalWidth / size;
    const [column, line] = [place % columns, Math.floor(place / columns)];
    canvas.getContext("2d").drawImage(sheet, column * size, line * size, size, size, 0, 0, size, size);
  }
  return sheet !== null;
}

/* A figure with the picture of an image and the outline that was drawn on it. */
function chip(lake, place, choose) {
  const { bounds, size, scenes } = picturesOf(lake);
  const row = rowsOf(lake).find((one) => ROWS.scene[one] === scenes[place]);
  const canvas = element("canvas", { width: size, height: size });
  const day = DATA.scenes.day[scenes[place]];
  drawPicture(canvas, lake, place).then(() => {
    const [[south, west], [north, east]] = bounds;
    const mercator = (lat) => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
    const x = (lon) => ((lon - west) / (east - west)) * size;
    const y = (lat) => ((mercator(north) - mercator(lat)) / (mercator(north) - mercator(south))) * size;
    const pen = canvas.getContext("2d");
    pen.beginPath();
    for (const ring of row === undefined ? [] : ringsOf(row)) {
      ring.forEach(([lat, lon], n) => (n ? pen.lineTo(x(lon), y(lat)) : pen.moveTo(x(lon), y(lat))));
      pen.closePath();
    }
    for (const [width, colour] of [[3, "#000a"], [1.4, "#ffe94d"]]) {
      pen.lineWidth = width;
      pen.strokeStyle = colour;
      pen.stroke();
    }
  });
  return element(
    "figure", { class: "chip" },
    element("button", { type: "button", on: { click: () => choose(day) }, title: row === undefined ? "" : said(row) }, canvas),
    element("figcaption", {}, `${DATA.days[day]} ${DATA.scenes.sensor[scenes[place]] ?? ""}`),
  );
}

/* The pictures that tell most: first, last, and those of events, alerts and reviews; or all. */
function chips(lake, wantsAll, choose) {
  const pictures = picturesOf(lake);
  if (!pictures) return null;
  const places = pictures.scenes.map((scene, place) => place);
  const told = new Set(pictures.told);
  const shown = wantsAll ? places : places.filter((place) => told.has(place));
  return element("div", { class: "chips" }, ...shown.map((place) => chip(lake, place, choose)));
}
