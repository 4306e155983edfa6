/* The parts put together: what is chosen, the day, and the keys. */

const chosen = { lake: null, day: Math.max(0, DATA.days.length - 1) };
const slider = document.getElementById("day");
const dayName = document.getElementById("day-name");
slider.max = String(Math.max(0, DATA.days.length - 1));
slider.disabled = DATA.days.length < 2;

const panel = makePanel({ onDay: setDay, onDecide: decideHere, onClose: () => choose(null) });
const view = makeMap((lake) => choose(lake, false));
document.getElementById("map-key").append(mapKey());
const list = makeList((lakes) => view.set({ shown: new Set(lakes) }), (lake) => choose(lake));

function choose(lake, isMoving = true) {
  remember(lake);
  chosen.lake = lake;
  document.body.classList.toggle("has-lake", lake !== null);
  const heading = panel.show(lake, chosen.day);
  view.map.invalidateSize({ animate: false });
  view.set({ chosen: lake });
  if (lake === null) return;
  if (isMoving) view.goTo(lake);
  list.mark(lake);
  heading.focus({ preventScroll: true });
  document.getElementById("panel").scrollTop = 0;
}

/* The address names the lake, and the button back of a phone closes it instead of the page. */
function remember(lake) {
  if (lake === lakeOfAddress()) return;
  const address = lake === null ? "#" : `#lake=${encodeURIComponent(LAKES.id[lake])}`;
  const isOpening = lake !== null && chosen.lake === null;
  try {
    history[isOpening ? "pushState" : "replaceState"](null, "", address);
  } catch { /* a page within another one has no address of its own */ }
}

function lakeOfAddress() {
  const lake = LAKES.id.indexOf(new URLSearchParams(location.hash.slice(1)).get("lake"));
  return lake < 0 ? null : lake;
}

function setDay(day) {
  chosen.day = Math.min(Math.max(0, day), DATA.days.length - 1);
  slider.value = String(chosen.day);
  const sensors = new Set(DATA.scenes.sensor.filter((name, scene) => name && DATA.scenes.day[scene] === chosen.day));
  dayName.textContent = `${DATA.days[chosen.day] ?? "–"} ${[...sensors].join(", ")}`;
  slider.setAttribute("aria-valuetext", dayName.textContent);
  view.set({ day: chosen.day });
  if (chosen.lake !== null) panel.show(chosen.lake, chosen.day);
}

function step(by) {
  const lakes = list.lakes();
  if (!lakes.length) return;
  const at = lakes.indexOf(chosen.lake);
  const next = at < 0 ? (by > 0 ? 0 : lakes.length - 1) : Math.min(Math.max(0, at + by), lakes.length - 1);
  choose(lakes[next]);
}

function decideHere(changes, goesOn) {
  if (chosen.lake === null) return;
  const lake = chosen.lake;
  const before = list.lakes();
  const at = before.indexOf(lake);
  decide(lake, changes);
  tellReview();
  if (!goesOn || !list.isReview()) {
    list.update();
    panel.judged(lake);
    list.mark(lake);
    return;
  }
  const next = before.slice(at + 1).find((other) => !isDecided(other));
  list.update();
  const after = next ?? list.lakes().find((other) => other !== lake) ?? null;
  choose(after);
  if (after === null) view.goHome();
}

function undoHere() {
  const lake = undo();
  if (lake === null) return;
  tellReview();
  list.update();
  choose(lake);
}

/* Who decided is part of a decision, so a name comes before the file. */
function saveHere() {
  if (!review.decisions.size) return;
  if (review.by) return saveReview();
  const by = document.getElementById("by");
  if (!by.checkVisibility()) choose(null); /* a lake has the whole phone */
  document.getElementById("decided").textContent = t("First put in your name.");
  by.focus();
}

function tellReview() {
  const count = [...review.decisions.values()].filter((one) => one.verdict !== "later").length;
  document.getElementById("decided").textContent = t("Decisions: {count}", { count: number(count) });
  document.getElementById("save").disabled = review.decisions.size === 0;
}

const KEYS = {
  ArrowLeft: () => setDay(chosen.day - 1),
  ArrowRight: () => setDay(chosen.day + 1),
  n: () => step(1), ArrowDown: () => step(1), p: () => step(-1), ArrowUp: () => step(-1),
  k: () => decideHere({ verdict: "keep" }, true),
  r: () => decideHere({ verdict: "reject" }, true),
  l: () => decideHere({ verdict: "later" }, true),
  t: () => panel.focus("verdict-type"),
  m: () => panel.focus("verdict-remark"),
  q: () => { list.order("doubt"); step(1); },
  u: () => undoHere(),
  s: () => saveHere(),
  i: () => togglePictures(),
  h: () => view.goHome(),
  "/": () => document.getElementById("search").focus(),
  "?": () => document.getElementById("help").showModal(),
  Escape: () => choose(null),
};
/* The key as it is named; where the keyboard is set to another script, by its place. */
function keyOf(event) {
  if (event.key.length > 1 || /^[a-z/?]$/i.test(event.key)) return event.key.length > 1 ? event.key : event.key.toLowerCase();
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.code.replace(/^Key/, "").toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.closest("input:not([type=range]), select, textarea");
  if (isTyping) {
    if (event.key === "Escape" || (event.key === "Enter" && event.target.id !== "search")) {
      event.target.blur();
      event.preventDefault();
    } else if (event.key === "Enter") step(1);
    return;
  }
  if (event.target.closest(".leaflet-container") && event.key.startsWith("Arrow")) return;
  const act = KEYS[keyOf(event)];
  if (!act) return;
  event.preventDefault();
  act();
});

function togglePictures() {
  const button = document.getElementById("pictures");
  view.set({ withPictures: !view.state.withPictures });
  button.setAttribute("aria-pressed", String(view.state.withPictures));
}

const on = (id, event, act) => document.getElementById(id).addEventListener(event, act);
on("day", "input", () => setDay(Number(slider.value)));
on("earlier", "click", () => setDay(chosen.day - 1));
on("later", "click", () => setDay(chosen.day + 1));
on("home", "click", () => view.goHome());
on("pictures", "click", togglePictures);
on("save", "click", saveHere);
on("by", "change", (event) => { review.by = event.target.value.trim(); keepReview(); tellReview(); });
on("open", "change", async (event) => {
  const [file] = event.target.files;
  let isTaken = false;
  try { isTaken = takeReview(JSON.parse(await file.text())); } catch { /* told below */ }
  if (!isTaken) document.getElementById("decided").textContent = t("This is no file of a review.");
  else { keepReview(); document.getElementById("by").value = review.by; tellReview(); list.update(); choose(chosen.lake, false); }
});
on("help-button", "click", () => document.getElementById("help").showModal());

recallReview();
document.getElementById("by").value = review.by;
document.getElementById("pictures").hidden = !PICTURES;
tellReview();
list.update();
setDay(chosen.day);
view.map.invalidateSize({ animate: false });
view.goHome();
window.addEventListener("popstate", () => choose(lakeOfAddress()));
if (lakeOfAddress() !== null) choose(lakeOfAddress());
document.body.classList.add("is-ready");
performance.mark("ready");
