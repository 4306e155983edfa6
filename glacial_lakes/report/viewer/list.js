/* The list of lakes: search, filters, order. */

const SIZES = [
  ["< 0.01", 0, 1e4], ["0.01–0.1", 1e4, 1e5], ["0.1–1", 1e5, 1e6], ["> 1", 1e6, Infinity],
];
const ROWS_AT_A_TIME = 200;

const lowered = (text) => (text ?? "").toLocaleLowerCase(DATA.language).replaceAll("ё", "е");
const searched = LAKES.id.map((id, lake) =>
  lowered([id, LAKES.name[lake], LAKES.number?.[lake], LAKES.district?.[lake], LAKES.basin[lake], LAKES.glacier[lake]]
    .filter(Boolean).join(" ")),
);

const FILTERS = {
  state: { title: "State", values: () => distinct(LAKES.state), test: (lake, value) => LAKES.state[lake] === value },
  type: { title: "Type", values: () => distinct(LAKES.type), test: (lake, value) => LAKES.type[lake] === value },
  size: {
    title: "Area, km²", values: () => SIZES.map(([label], n) => [String(n), label]),
    test: (lake, value) => LAKES.area[lake] !== null && LAKES.area[lake] >= SIZES[value][1] && LAKES.area[lake] < SIZES[value][2],
  },
  alert: {
    title: "Alert", values: () => [["any", t("any alert")], ...distinct(DATA.alerts.map((alert) => alert.kind))],
    test: (lake, value) => (ALERTS.get(lake) ?? []).some((alert) => value === "any" || alert.kind === value),
  },
  place: {
    title: "District or basin", values: () => distinct([...(LAKES.district ?? []), ...LAKES.basin], (name) => name),
    test: (lake, value) => LAKES.basin[lake] === value || LAKES.district?.[lake] === value,
  },
};

const ORDERS = {
  area: { title: "Largest first", compare: (a, b) => a - b },
  name: { title: "Name", compare: (a, b) => nameOf(a).localeCompare(nameOf(b), DATA.language, { numeric: true }) },
  change: { title: "Largest change first", compare: (a, b) => changeOf(b) - changeOf(a) || a - b },
  doubt: { title: "Review: most doubt first", compare: null },
};

function distinct(values, said = word) {
  return [...new Set(values)].filter((value) => value !== null && value !== undefined)
    .map((value) => [value, said(value)]).sort(([, a], [, b]) => a.localeCompare(b, DATA.language));
}

const changes = new Map();
function changeOf(lake) {
  if (!changes.has(lake)) {
    const measured = rowsOf(lake).filter(isMeasured);
    changes.set(lake, measured.length < 2 ? 0 : Math.abs(ROWS.area[measured.at(-1)] - ROWS.area[measured[0]]));
  }
  return changes.get(lake);
}

function makeList(onChange, onChoose) {
  const search = document.getElementById("search");
  const order = document.getElementById("order");
  const list = document.getElementById("lakes");
  const told = document.getElementById("count");
  const selects = new Map();
  const filters = document.getElementById("filters");
  for (const [name, { title, values }] of Object.entries(FILTERS)) {
    const options = values();
    if (!options.length) continue;
    const select = element("select", { id: `filter-${name}` }, new Option(t("all"), ""));
    for (const [value, label] of options) select.add(new Option(label, value));
    filters.append(element("label", {}, element("span", {}, t(title)), select));
    selects.set(name, select);
    select.addEventListener("change", update);
  }
  for (const [name, { title }] of Object.entries(ORDERS)) order.add(new Option(t(title), name));
  let shown = [];
  let drawn = 0;

  function chosenLakes() {
    const words = lowered(search.value).split(/\s+/).filter(Boolean);
    const tests = [...selects].filter(([, select]) => select.value).map(([name, select]) => [FILTERS[name].test, select.value]);
    const found = [];
    for (let lake = 0; lake < N_LAKES; lake += 1)
      if (words.every((part) => searched[lake].includes(part)) && tests.every(([test, value]) => test(lake, value)))
        found.push(lake);
    return found;
  }

  function update() {
    const found = chosenLakes();
    shown = order.value === "doubt" ? queue(found) : order.value === "area" ? found : found.sort(ORDERS[order.value].compare);
    told.textContent = t("Lakes: {shown} of {count}", { shown: number(shown.length), count: number(N_LAKES) });
    list.replaceChildren();
    drawn = 0;
    drawMore();
    onChange(found);
  }

  function drawMore() {
    document.getElementById("more")?.remove();
    for (const lake of shown.slice(drawn, drawn + ROWS_AT_A_TIME)) list.append(item(lake));
    drawn = Math.min(drawn + ROWS_AT_A_TIME, shown.length);
    if (drawn < shown.length)
      list.append(element("li", { id: "more" }, element("button", { type: "button", on: { click: drawMore } }, t("Show more"))));
  }

  function item(lake) {
    const marks = [LAKES.state[lake] === "present" ? null : word(LAKES.state[lake])];
    for (const alert of ALERTS.get(lake) ?? []) marks.push(word(alert.kind));
    if (decisionOn(lake)) marks.push(verdictWord(lake));
    const why = order.value === "doubt" ? LAKES.reasons[lake].map((reason) => LAKES.reason[reason]) : [];
    return element(
      "li", { "data-lake": String(lake) },
      element(
        "button", { type: "button", on: { click: () => onChoose(lake) } },
        element("b", {}, nameOf(lake)),
        element("span", { class: "n" }, area(LAKES.area[lake])),
        element("small", {}, [numberOf(lake), LAKES.name[lake] ? LAKES.id[lake] : null, word(LAKES.type[lake]), ...marks].filter(Boolean).join(" · ")),
        why.length ? element("small", { class: "why" }, why.join("; ")) : null,
      ),
    );
  }

  function mark(lake) {
    for (const row of list.querySelectorAll("[aria-current]")) row.removeAttribute("aria-current");
    while (drawn < shown.length && shown.indexOf(lake) >= drawn) drawMore();
    const row = list.querySelector(`[data-lake="${lake}"]`);
    row?.setAttribute("aria-current", "true");
    row?.scrollIntoView({ block: "nearest" });
  }

  search.addEventListener("input", update);
  order.addEventListener("change", update);
  return { update, mark, lakes: () => shown, order: (name) => { order.value = name; update(); }, isReview: () => order.value === "doubt" };
}
