/* The area of a lake through time: errors as bars, bounds as triangles, gaps below the axis. */

const CURVE = { width: 380, height: 190, left: 52, right: 370, top: 16, bottom: 140, gaps: 153 };
const LETTER = 6.2; /* width of one, at most on average */

function roundSteps(high, about) {
  const power = 10 ** Math.floor(Math.log10(high / about));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => high / size <= about);
  const steps = [];
  for (let value = 0; value <= high * 1.0001; value += step) steps.push(value);
  return { steps, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function curve(lake, day, choose) {
  const rows = rowsOf(lake);
  if (!rows.length) return element("p", { class: "quiet" }, t("No image tells its area."));
  const { left, right, top, bottom, gaps } = CURVE;
  const times = DATA.time;
  const span = Math.max(times.at(-1) - times[0], 300);
  const x = (time) => left + 8 + ((time - times[0]) / span) * (right - left - 16);
  const most = Math.max(
    1, ...rows.map((row) => (ROWS.area[row] ?? ROWS.least[row] ?? 0) + (ROWS.sigma[row] ?? 0)),
  );
  const isLarge = most >= 1e5;
  const unit = isLarge ? 1e6 : 1;
  const { steps, digits } = roundSteps((most * 1.06) / unit, 4);
  const y = (value) => bottom - (value / (most * 1.06)) * (bottom - top);
  const drawing = svg("svg", {
    class: "curve", viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, role: "img",
    "aria-label": t("Area through time"),
  });
  const put = (tag, attributes, ...children) => drawing.append(svg(tag, attributes, ...children));
  for (const value of steps) {
    put("line", { class: "grid", x1: left, x2: right, y1: y(value * unit), y2: y(value * unit) });
    put("text", { class: "tick", x: left - 6, y: y(value * unit) + 3.5, "text-anchor": "end" }, number(value, digits));
  }
  put("text", { class: "tick", x: left - 6, y: top - 6, "text-anchor": "end" }, t(isLarge ? "km²" : "m²"));
  put("line", { class: "now", x1: x(times[day]), x2: x(times[day]), y1: top, y2: gaps + 6 });
  const dated = (EVENTS.get(lake) ?? []).filter((event) => event.days !== null).sort((a, b) => a.days - b.days);
  let free = left; /* where there is room for the next name; all events are told below */
  for (const [days, events] of groupedBy(dated, (event) => [event.days])) {
    const at = x(days);
    const name = [...new Set(events.map((event) => word(event.kind)))].join(", ");
    const [isRight, wide] = [at > (left + right) / 2, name.length * LETTER];
    const begin = isRight ? at - wide : at;
    put("line", { class: "event", x1: at, x2: at, y1: top, y2: bottom });
    if (begin < free) continue;
    put("text", { class: "event-label", x: at, y: top - 5, "text-anchor": isRight ? "end" : "start" }, name);
    free = begin + wide + LETTER;
  }
  for (const trend of TRENDS.get(lake) ?? []) {
    if (trend.line[0] === null || !["growing", "shrinking"].includes(trend.kind)) continue;
    put("line", {
      class: "trend", x1: x(trend.days[0]), x2: x(trend.days[1]), y1: y(trend.line[0]), y2: y(trend.line[1]),
    });
  }
  const known = rows.filter((row) => isMeasured(row) || statusOf(row) === "absent");
  put("polyline", {
    class: "series", points: known.map((row) => `${x(timeOf(row))},${y(ROWS.area[row] ?? 0)}`).join(" "),
  });
  for (const row of rows) {
    const at = x(timeOf(row));
    const status = statusOf(row);
    let mark;
    if (isMeasured(row)) {
      const error = ROWS.sigma[row];
      if (error !== null) {
        const [low, high] = [y(ROWS.area[row] - error), y(ROWS.area[row] + error)];
        put("path", { class: "bar", d: `M${at} ${low}V${high}M${at - 3} ${low}h6M${at - 3} ${high}h6` });
      }
      mark = svg("circle", { class: EDITED.has(row) ? "dot drawn" : "dot", cx: at, cy: y(ROWS.area[row]), r: 3.6 });
    } else if (status === "absent") {
      mark = svg("path", { class: "gone", d: `M${at - 4} ${bottom - 4}l8 8m0 -8l-8 8` });
    } else if (ROWS.least[row] !== null) {
      mark = svg("path", { class: "least", d: `M${at} ${y(ROWS.least[row]) - 5}l4.5 8h-9z` });
    } else {
      mark = svg("circle", { class: "gap", cx: at, cy: gaps, r: 3.4 });
    }
    mark.append(svg("title", {}, `${DATA.days[dayOf(row)]} ${DATA.scenes.sensor[ROWS.scene[row]] ?? ""}: ${said(row)}`));
    mark.addEventListener("click", () => choose(dayOf(row)));
    drawing.append(mark);
  }
  put("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom });
  const ends = [[times[0], DATA.days[0], "start"], [times.at(-1), DATA.days.at(-1), "end"]];
  const isNarrow = x(times.at(-1)) - x(times[0]) < 2 * DATA.days[0].length * LETTER;
  if (isNarrow) ends.splice(0, 2, [times[0], [...new Set([DATA.days[0], DATA.days.at(-1)])].join(" – "), "start"]);
  for (const [time, name, anchor] of ends)
    put("text", { class: "tick", x: x(time), y: CURVE.height - 8, "text-anchor": anchor }, name);
  return drawing;
}

/* What an image says of a lake, in words. */
function said(row) {
  if (isMeasured(row)) return area(ROWS.area[row], ROWS.sigma[row]);
  if (statusOf(row) === "absent") return word("absent");
  const reason = t("not observed: {reason}", { reason: word(statusOf(row)) });
  if (ROWS.least[row] === null) return reason;
  return `${reason}; ${t("at least {area}", { area: area(ROWS.least[row]) })}`;
}
