/* Decisions of the reader, kept in the browser as long as it lets, and saved as a file. */

const REVIEW_FORMAT = "glacial_lakes review";
const KEPT_AS = `glacial_lakes review ${DATA.run ?? ""} ${N_LAKES}`;

const review = { by: "", decisions: new Map() };
const undone = []; /* what stood before each decision of this sitting, the newest last */

function keepReview() {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(reviewFile()));
  } catch { /* a browser may keep nothing for pages that are files */ }
}

function recallReview() {
  try {
    takeReview(JSON.parse(localStorage.getItem(KEPT_AS)), true);
  } catch { /* nothing was kept, or it cannot be read */ }
}

/* Take decisions in, of whoever made them; the newer of two on a lake counts. */
function takeReview(file, isOwn = false) {
  if (file?.format !== REVIEW_FORMAT || !Array.isArray(file.decisions)) return false;
  const places = new Map(LAKES.id.map((id, lake) => [id, lake]));
  const theirs = typeof file.by === "string" ? file.by : "";
  review.by ||= theirs;
  undone.length = 0;
  for (const one of file.decisions) {
    const lake = places.get(one.lake_id);
    if (lake === undefined || decisionOn(lake)?.decided > one.decided) continue;
    const by = one.by ?? (isOwn ? "" : theirs);
    review.decisions.set(lake, { ...one, lake_id: LAKES.id[lake], ...(by ? { by } : {}) });
  }
  return true;
}

const decisionOn = (lake) => review.decisions.get(lake) ?? null;

/* Set some fields of the decision on a lake; a verdict given twice is taken back. */
function decide(lake, changes) {
  const before = decisionOn(lake) ?? { lake_id: LAKES.id[lake] };
  const after = { ...before, ...changes, decided: new Date().toISOString().replace(/\.\d+Z$/, "Z") };
  delete after.by; /* whoever sits here has the last word */
  undone.push([lake, decisionOn(lake)]);
  if (changes.verdict && before.verdict === changes.verdict) delete after.verdict;
  for (const name of ["lake_type", "comment"]) if (after[name] === null) delete after[name];
  if (after.verdict || after.lake_type || after.comment !== undefined) review.decisions.set(lake, after);
  else review.decisions.delete(lake);
  keepReview();
}

/* Take the last decision back; returns its lake, or null when there is none. */
function undo() {
  if (!undone.length) return null;
  const [lake, before] = undone.pop();
  if (before) review.decisions.set(lake, before);
  else review.decisions.delete(lake);
  keepReview();
  return lake;
}

const isDecided = (lake) => review.decisions.has(lake);

const reviewFile = () => ({
  format: REVIEW_FORMAT, version: 1, run: DATA.run, by: review.by,
  decisions: [...review.decisions.entries()].sort(([a], [b]) => a - b).map(([, one]) => one),
});

function saveReview() {
  const text = `${JSON.stringify(reviewFile(), null, 1)}\n`;
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = element("a", { href: address, download: "review.json" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/* Lakes in the order of doubt; those that are put off come last, those that are decided are out. */
function queue(lakes) {
  const rank = (lake) => (decisionOn(lake)?.verdict === "later" ? 1 : 0);
  return lakes
    .filter((lake) => !isDecided(lake) || decisionOn(lake).verdict === "later")
    .sort((a, b) => rank(a) - rank(b) || LAKES.doubt[b] - LAKES.doubt[a] || a - b);
}
