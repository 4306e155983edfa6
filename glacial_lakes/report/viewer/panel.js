/* All about one lake: verdict, curve, pictures, attributes, events and decisions. */

const VERDICTS = [["keep", "k"], ["reject", "r"], ["later", "l"]];
const VERDICT_TITLES = { keep: "Keep", reject: "Reject", later: "Later" };
const TYPES = ["supraglacial", "ice-contact", "unconnected", "non-glacier-fed", "unknown"];

function verdictWord(lake) {
  const { verdict, lake_type: type, comment } = decisionOn(lake);
  return [verdict ? t(VERDICT_TITLES[verdict]) : null, type ? word(type) : null, comment ? t("remark") : null]
    .filter(Boolean).join(", ");
}

function makePanel({ onDay, onDecide, onClose }) {
  const panel = document.getElementById("panel");
  let wantsAll = false;

  function show(lake, day) {
    panel.hidden = lake === null;
    if (lake === null) return panel.replaceChildren();
    const { seen, unseen, isOfDay } = knownOn(lake, day);
    const today = isOfDay ? seen : unseen;
    const heading = element("h2", { tabindex: "-1" }, nameOf(lake));
    const parts = [
      element(
        "header", {}, heading,
        element("button", { type: "button", class: "close", "aria-label": t("Close"), on: { click: onClose } }, "×"),
        element("p", { class: "quiet" }, [numberOf(lake), LAKES.name[lake] ? LAKES.id[lake] : null, LAKES.district?.[lake], LAKES.basin[lake]].filter(Boolean).join(" · ")),
      ),
      doubts(lake),
      ...pictures(lake, day),
      verdict(lake),
      element("h3", {}, t("Area through time")),
      element("p", { class: "today", "aria-live": "polite" }, `${DATA.days[day] ?? ""}: ${today === null ? t("no image") : said(today)}`),
      curve(lake, day, onDay),
      legend(),
      trend(lake),
      element("h3", {}, t("Attributes")),
      attributes(lake),
      ...past(lake),
      dates(lake),
    ];
    panel.replaceChildren(...parts.filter((part) => part !== null));
    return heading;
  }

  function doubts(lake) {
    const told = LAKES.reasons[lake].map((reason) => LAKES.reason[reason]);
    for (const alert of ALERTS.get(lake) ?? []) told.push(alertText(alert));
    return told.length ? element("ul", { class: "doubts" }, ...told.map((text) => element("li", {}, text))) : null;
  }

  function verdict(lake) {
    const now = decisionOn(lake) ?? {};
    const buttons = VERDICTS.map(([name, key]) =>
      element("button", {
        type: "button", id: `verdict-${name}`, class: `verdict ${name}`, "aria-pressed": String(now.verdict === name),
        "aria-keyshortcuts": key, on: { click: () => onDecide({ verdict: name }, true) },
      }, t(VERDICT_TITLES[name]), element("kbd", {}, key.toUpperCase())));
    const type = element("select", { id: "verdict-type" }, new Option(t("as it is"), ""));
    for (const code of TYPES) type.add(new Option(word(code), code));
    type.value = now.lake_type ?? "";
    type.addEventListener("change", () => onDecide({ lake_type: type.value || null }, false));
    const remark = element("input", { id: "verdict-remark", type: "text", maxlength: "250", value: now.comment ?? "", placeholder: LAKES.comment[lake] ?? "" });
    remark.addEventListener("change", () => onDecide({ comment: remark.value.trim() || null }, false));
    return element(
      "fieldset", { class: "verdicts" }, element("legend", {}, t("Review")), element("div", { class: "buttons" }, ...buttons),
      element("label", {}, element("span", {}, t("Type"), element("kbd", {}, "T")), type),
      element("label", {}, element("span", {}, t("Remark"), element("kbd", {}, "M")), remark),
      LAKES.verified[lake] === null ? null : element("p", { class: "quiet" }, t("verified by {name}", { name: LAKES.verified[lake] || "–" })),
    );
  }

  function pictures(lake, day) {
    const shown = chips(lake, wantsAll, onDay);
    if (!shown) return [];
    const more = picturesOf(lake).scenes.length > picturesOf(lake).told.length && element("button", {
      type: "button", on: { click: () => { wantsAll = !wantsAll; show(lake, day); } },
    }, t(wantsAll ? "Fewer images" : "All images"));
    return [element("h3", {}, t("Images")), shown, ...(more ? [more] : []), element("p", { class: "quiet" }, t("False colour: water is dark, ice is blue, ground is brown."))];
  }

  /* Tell the verdict in place: what is drawn anew loses the focus, and the next key goes elsewhere. */
  function judged(lake) {
    const { verdict: now } = decisionOn(lake) ?? {};
    for (const [name] of VERDICTS)
      document.getElementById(`verdict-${name}`).setAttribute("aria-pressed", String(now === name));
  }

  return { show, judged, focus: (id) => document.getElementById(id)?.focus() };
}

function alertText(alert) {
  const parts = [word(alert.kind), alert.after === "–" ? alert.date : `${alert.after} – ${alert.date}`];
  if (alert.before[0] !== null && alert.now[0] !== null)
    parts.push(`${area(...alert.before)} → ${area(...alert.now)}`);
  else if (alert.before[0] !== null) parts.push(t("before: {area}", { area: area(...alert.before) }));
  else if (alert.now[0] !== null) parts.push(t("now: {area}", { area: area(...alert.now) }));
  if (!alert.confirmed) parts.push(t("no later image agrees yet"));
  return parts.join(", ");
}

function legend() {
  const marks = [
    ["dot", t("area with one standard error"), svg("circle", { class: "dot", cx: 7, cy: 7, r: 3.6 })],
    ["least", t("a part is hidden: at least"), svg("path", { class: "least", d: "M7 2l4.5 8h-9z" })],
    ["gap", t("not observed"), svg("circle", { class: "gap", cx: 7, cy: 7, r: 3.4 })],
    ["gone", t("no water"), svg("path", { class: "gone", d: "M3 3l8 8m0 -8l-8 8" })],
  ];
  return element("ul", { class: "legend" }, ...marks.map(([, text, mark]) =>
    element("li", {}, svg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, mark), text)));
}

function trend(lake) {
  const shown = (TRENDS.get(lake) ?? []).find((one) => ["growing", "shrinking"].includes(one.kind));
  if (!shown) return null;
  const [slope, low, high] = shown.slope.map((value) => number(value));
  return element("p", {}, t("{kind}: {slope} m² a year (95 %: {low} to {high})", { kind: word(shown.kind), slope, low, high }));
}

function attributes(lake) {
  const facts = [
    [t("State"), word(LAKES.state[lake])],
    [t("Lake area"), area(LAKES.area[lake], LAKES.sigma[lake])],
    [t("Largest area"), area(LAKES.largest[lake])],
    [t("Type"), word(LAKES.type[lake])],
    [t("Dam"), word(LAKES.dam[lake])],
    [t("Probability of a lake"), probability(lake)],
    [t("Elevation, m"), number(LAKES.elev[lake])],
    [t("Nearest glacier"), LAKES.glacier[lake] ?? "–"],
    [t("To glacier, m"), number(LAKES.distance[lake])],
    [t("Seen"), `${LAKES.first[lake]} – ${LAKES.last[lake]}`],
    [t("Latitude, longitude"), LAKES.lat[lake] === null ? "–" : `${LAKES.lat[lake].toFixed(5)}, ${LAKES.lon[lake].toFixed(5)}`],
    [t("Remark"), LAKES.comment[lake]],
  ];
  return element("dl", {}, ...facts.filter(([, value]) => value !== null).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

/* How likely its newest outline is a lake by its features, and which of them speak most. */
function probability(lake) {
  if (LAKES.prob[lake] === null) return null;
  return [number(LAKES.prob[lake], 2), LAKES.feature[LAKES.features[lake]]].filter(Boolean).join(" – ");
}

function past(lake) {
  const events = (EVENTS.get(lake) ?? []).map((event) => {
    const others = [...event.from, ...event.to].filter((id) => id !== LAKES.id[lake]);
    const when = event.after === "–" ? event.date : `${event.after} – ${event.date}`;
    return element("li", {}, `${when}: ${word(event.kind)}${others.length ? ` (${others.join(", ")})` : ""}`);
  });
  const decisions = (REVIEWS.get(lake) ?? []).map((one) => {
    const what = [one.type, one.dam].filter(Boolean).map(word).concat([one.name, one.comment].filter(Boolean)).join(", ");
    return element("li", {}, `${one.when} ${one.who ?? ""}: ${word(one.decision)}${what ? `: ${what}` : ""}${one.image ? ` (${one.image})` : ""}`);
  });
  return [
    ...(events.length ? [element("h3", {}, t("Events")), element("ul", {}, ...events)] : []),
    ...(decisions.length ? [element("h3", {}, t("Decisions")), element("ul", {}, ...decisions)] : []),
  ];
}

function dates(lake) {
  const rows = rowsOf(lake).map((row) =>
    element("tr", {}, element("td", {}, DATA.days[dayOf(row)]), element("td", {}, DATA.scenes.sensor[ROWS.scene[row]] ?? "–"),
      element("td", {}, said(row)), element("td", { class: "n" }, ROWS.seen[row] === null ? "–" : `${number(ROWS.seen[row])} %`)));
  return element("details", {}, element("summary", {}, t("All dates")),
    element("table", {}, element("thead", {}, element("tr", {}, ...["Date", "Sensor", "Lake area", "Seen part"].map((name) => element("th", { scope: "col" }, t(name))))),
      element("tbody", {}, ...rows)));
}
