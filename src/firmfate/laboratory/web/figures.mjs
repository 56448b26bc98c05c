// The figures of two settings: survival, causes, and the table of differences.
import { barsPicture, element, linesPicture } from "./drawing.mjs";
import { comparison, invalid, LIMITS, short, survival, withError } from "./statistics.mjs";

/** Draw all figures from the firms that are known, and say in words what they show. */
export function drawFigures(places, firms, given, idle) {
  const { a, b } = firms;
  const { steps, dt } = given;
  const n = Math.min(a.known, b.known);
  const years = (steps * dt) / 52;
  const curves = [["a", a], ["b", b]].map(([name, of]) => {
    const curve = survival(of, of.known, steps).map((point) => ({ ...point, x: (point.step * dt) / 52 }));
    return {
      name,
      points: curve.map(({ x, estimate }) => [x, 100 * estimate]),
      band: curve.map(({ x, estimate, se }) => [x, 100 * Math.max(0, estimate - LIMITS * se), 100 * Math.min(1, estimate + LIMITS * se)]),
    };
  });
  const width = Math.max(260, places.survival.clientWidth);
  places.survival.replaceChildren(linesPicture(curves, {
    width, height: Math.round(Math.min(340, Math.max(190, width * 0.52))), right: years, low: 0, high: 100,
    label: (value) => `${value} %`, unit: "years",
  }));
  const causes = given.causes.map((cause) => cause.name.replaceAll("_", " "));
  const rows = comparison(a, b, n, { steps, dt, causes, alarm: given.alarm });
  const shares = rows.slice(2, 2 + causes.length);
  places.causes.replaceChildren(barsPicture([
    { name: "a", shares: [...shares.map((row) => row.a.estimate), rows[1].a.estimate] },
    { name: "b", shares: [...shares.map((row) => row.b.estimate), rows[1].b.estimate] },
  ], Math.max(260, places.causes.clientWidth)));
  table(places.table, rows);
  const sentences = words(rows, n, given, invalid(a, a.known) + invalid(b, b.known));
  places.count.textContent = `${n.toLocaleString("en")} of ${given.firms.toLocaleString("en")} firms a setting`;
  if (idle) places.words.textContent = sentences; // a live region: read out when the firms are complete
}

function table(place, rows) {
  const head = element("tr", {}, ...["mean or share", "A", "B", "B − A"].map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((row) => element("tr", {},
    element("th", { scope: "row" }, row.name, element("span", { class: "unit" }, `, ${row.unit}`)),
    element("td", {}, withError(row.a)), element("td", {}, withError(row.b)), element("td", {}, withError(row.difference, { signed: true }))));
  place.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}

/** What the two settings show, in sentences. */
export function words(rows, n, given, failed) {
  if (failed) return `The arithmetic of ${failed} firms has failed: there is no estimate at these values.`;
  const [{ a, b, difference }] = rows;
  const years = short((given.steps * given.dt) / 52);
  const called = "standard error";
  const means = `Within ${years} years firms last ${withError(a, { called })} years on average with A and `
    + `${withError(b, { called })} with B.`;
  if (difference.estimate === 0 && difference.se === 0) return `${means} The ${n.toLocaleString("en")} firms of A and B are the same.`;
  const { estimate, se, lower, upper } = difference;
  const more = estimate < 0 ? { estimate: -estimate, se, lower: -upper, upper: -lower } : difference;
  const size = withError(more, { called: `paired ${called}` });
  const known = se === 0 ? more.lower > 0 : more.estimate >= 2 * se;
  if (!known) return `${means} The difference, ${size} years, cannot be distinguished from zero.`;
  return `${means} B ${estimate > 0 ? "adds" : "takes"} ${size} years${estimate > 0 ? "" : " away"}.`;
}

/** The legend of causes: their colours, names and meanings. */
export function causesLegend(given) {
  const items = given.causes.map(({ name, meaning }, k) => element("li", {},
    element("span", { class: `swatch share-${k % 6}` }), element("b", {}, name.replaceAll("_", " ")), meaning ? `: ${meaning}` : ""));
  items.push(element("li", {}, element("span", { class: "swatch alive" }), element("b", {}, "alive"), " at the horizon"));
  return element("ul", { class: "legend" }, ...items);
}
