/* Images of lakes: pictures of neighbours lie on one sheet, and are cut and drawn on canvases. */

const PICTURES = DATA.pictures;
const MOST_SHEETS = 24;
const sheets = new Map();

/* The pictures of a lake, or null: {bounds, scenes, at, told}. */
const picturesOf = (lake) => (PICTURES ? PICTURES.lakes[lake] : null);

function sheetOf(number) {
  if (!sheets.has(number)) {
    const image = new Image();
    const ready = new Promise((done) => {
      image.addEventListener("load", () => done(image));
      image.addEventListener("error", () => done(null));
    });
    image.src = PICTURES.sheets[number];
    sheets.set(number, ready);
    if (sheets.size > MOST_SHEETS) sheets.delete(sheets.keys().next().value);
  }
  return sheets.get(number);
}

/* Which picture shows a day: of several images of a day, the first. */
function pictureOn(lake, day) {
  const pictures = picturesOf(lake);
  return pictures ? pictures.scenes.findIndex((scene) => DATA.scenes.day[scene] === day) : -1;
}

async function drawPicture(canvas, lake, place) {
  const { size, columns, per_sheet: perSheet } = PICTURES;
  const at = picturesOf(lake).at[place];
  canvas.width = canvas.height = size;
  const sheet = await sheetOf(Math.floor(at / perSheet));
  if (sheet) {
    const cell = at % perSheet;
    const [column, line] = [cell % columns, Math.floor(cell / columns)];
    canvas.getContext("2d").drawImage(sheet, column * size, line * size, size, size, 0, 0, size, size);
  }
  return sheet !== null;
}

/* A figure with the picture of an image and the outline that was drawn on it. */
function chip(lake, place, choose) {
  const { bounds, scenes } = picturesOf(lake);
  const { size } = PICTURES;
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
