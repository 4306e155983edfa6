/* The inventory of the page, and questions that all parts ask of it. */

const DATA = JSON.parse(document.getElementById("data").textContent);
const LAKES = DATA.lakes;
const ROWS = DATA.rows;
const N_LAKES = LAKES.id.length;

const t = (text, values = {}) =>
  (DATA.words[text] ?? text).replace(/\{(\w+)\}/g, (found, name) => values[name] ?? found);
const word = (code) => (code === null ? "–" : DATA.codes[code] ?? code);

/* What people call a lake; always plain text, for it comes from files. */
const nameOf = (lake) => LAKES.name[lake] ?? LAKES.id[lake];
const numberOf = (lake) => (LAKES.number?.[lake] ? `№ ${LAKES.number[lake]}` : null);

const statusOf = (row) => ROWS.status_words[ROWS.status[row]];
const dayOf = (row) => DATA.scenes.day[ROWS.scene[row]];
const timeOf = (row) => DATA.time[dayOf(row)];
const isMeasured = (row) => statusOf(row) === "observed" && ROWS.area[row] !== null;
const EDITED = new Set(ROWS.edited);

function rowsOf(lake) {
  const rows = [];
  for (let row = ROWS.start[lake]; row < ROWS.start[lake + 1]; row += 1) rows.push(row);
  return rows;
}

/* What is known of a lake on a day: the row of the day itself, or the last one before that saw it. */
function knownOn(lake, day) {
  let seen = null, unseen = null;
  for (let row = ROWS.start[lake]; row < ROWS.start[lake + 1] && dayOf(row) <= day; row += 1) {
    const status = statusOf(row);
    if (status === "absent" || ROWS.shape[row]) {
      if (seen === null || !(isMeasured(seen) && dayOf(seen) === dayOf(row))) seen = row;
    } else if (dayOf(row) === day) unseen = row;
  }
  return { seen, unseen, isOfDay: seen !== null && dayOf(seen) === day };
}

const ringsOf = (row) => unpacked(ROWS.shape[row], DATA.origin);

const groupedBy = (rows, lakesOf) => {
  const found = new Map();
  for (const row of rows)
    for (const lake of lakesOf(row)) found.set(lake, [...(found.get(lake) ?? []), row]);
  return found;
};
const EVENTS = groupedBy(DATA.events, (event) => event.lakes);
const ALERTS = groupedBy(DATA.alerts, (alert) => [alert.lake]);
const TRENDS = groupedBy(DATA.trends, (trend) => [trend.lake]);
const REVIEWS = groupedBy(DATA.reviews, (review) => [review.lake]);

const plain = new Map();
function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  if (!plain.has(digits))
    plain.set(
      digits,
      new Intl.NumberFormat(DATA.language, {
        minimumFractionDigits: digits, maximumFractionDigits: digits,
      }),
    );
  return plain.get(digits).format(value);
}

/* An area in km² with one standard error, as the report writes it. */
function area(value, sigma = null) {
  if (value === null) return "–";
  const error = value && sigma !== null ? ` ± ${number(sigma / 1e6, 4)}` : "";
  return `${number(value / 1e6, value ? 4 : 0)}${error} ${t("km²")}`;
}

/* An element with text in it; text is never taken for markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
