// What is known of the cell that is looked at and of the two that are pinned, and the difference of these.
import { element, linesPicture } from "./drawing.mjs";
import { formatted, scaled, years } from "./formatting.mjs";

const SIDES = [["here", "here"], ["a", "A"], ["b", "B"]];

/** The table: a row for every quantity, columns for the cells, and B − A. */
export function drawTable(place, estimates, alarms, { horizon, here, a, b }) {
  const cells = { here, a, b };
  const { horizons } = estimates.given;
  const until = years(horizons[horizon]);
  const row = (name, unit, texts, difference) => element("tr", {},
    element("th", { scope: "row" }, name, element("span", { class: "unit" }, `, ${unit}`)),
    ...texts.map((text) => element("td", {}, text)), element("td", { class: "difference" }, difference));
  const rows = estimates.quantities(horizon).map((quantity) => {
    const texts = SIDES.map(([side]) => formatted(scaled(quantity.of(cells[side]), quantity.factor)));
    const found = estimates.difference(a, b, quantity);
    const name = quantity.name === "alive" ? `alive after ${until} years`
      : quantity.name === "mean lifetime" ? `mean lifetime within ${until} years` : quantity.name;
    return row(name, quantity.unit, texts, formatted(scaled(found, quantity.factor), { signed: true }));
  });
  const warned = alarms.map(({ name, unit, texts }) => row(name, unit, SIDES.map(([side]) => texts[cells[side]]), ""));
  const head = ["", ...SIDES.map(([, letter]) => letter), "B − A"].map((text, k) =>
    (k ? element("th", { scope: "col", class: ["", "here", "a", "b", ""][k] }, text) : element("td")));
  const body = [element("tbody", {}, ...rows)];
  if (warned.length) {
    const title = `firms that died within ${years(horizons.at(-1))} years`;
    body.push(element("tbody", {}, element("tr", {}, element("th", { class: "group", scope: "rowgroup", colspan: 5 }, title)), ...warned));
  }
  place.replaceChildren(element("thead", {}, element("tr", {}, ...head)), ...body);
}

/** Survival of the three cells over the years, with 95 % limits, and a line at the horizon. */
export function drawCurves(place, estimates, { horizon, here, a, b }) {
  const { curve, horizons } = estimates.given;
  const lines = [["here", here], ["a", a], ["b", b]].map(([name, cell]) => {
    if (!estimates.firms(cell)) return { name, points: [] };
    const shares = curve.map((week, point) => ({ x: week / 52, ...estimates.alive(cell, point) }));
    return {
      name, points: [[0, 100], ...shares.map(({ x, estimate }) => [x, 100 * estimate])],
      band: [[0, 100, 100], ...shares.map(({ x, lower, upper }) => [x, 100 * lower, 100 * upper])],
    };
  });
  const width = Math.max(240, place.clientWidth);
  const right = curve.at(-1) / 52;
  place.replaceChildren(linesPicture(lines, {
    width, height: Math.round(Math.min(240, Math.max(170, width * 0.42))), right, low: 0, high: 100,
    label: (value) => `${value} %`, unit: "years", at: horizons.length > 1 ? horizons[horizon] / 52 : null,
  }));
}

/** Names of the three cells. */
export function drawNames(places, nameOf, { here, a, b }) {
  for (const [side, cell] of Object.entries({ here, a, b })) places[`name-${side}`].textContent = nameOf(cell);
}

/** The difference in a sentence. */
export function sentence(estimates, { horizon, a, b }) {
  const until = years(estimates.given.horizons[horizon]);
  if (a === b) return "A and B are the same cell.";
  const [lifetime, alive] = estimates.quantities(horizon).map((quantity) => scaled(estimates.difference(a, b, quantity), quantity.factor));
  if (!Number.isFinite(lifetime.estimate)) return "There is no difference: one of the cells has no estimate.";
  const open = lifetime.lower <= 0 && lifetime.upper >= 0 ? ", which cannot be distinguished from zero" : "";
  const words = lifetime.lower > 0 ? "Firms of B have longer lifetimes than those of A: within" : lifetime.upper < 0 ? "Firms of B have shorter lifetimes than those of A: within" : "Within";
  return `${words} ${until} years the mean lifetime of B minus that of A is ${formatted(lifetime, { signed: true })} years${open}; `
    + `alive after ${until} years: ${formatted(alive, { signed: true })} points.`;
}
