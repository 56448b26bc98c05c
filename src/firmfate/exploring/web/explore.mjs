// Puts the section together: what is looked at, what is pinned, the horizon; and everything that shows them.
import { element } from "./drawing.mjs";
import { CellList } from "./cell_list.mjs";
import { scale } from "./colours.mjs";
import { drawCurves, drawNames, drawTable, sentence } from "./comparison.mjs";
import { Estimates } from "./estimates.mjs";
import { decimals, formatted, scaled, years } from "./formatting.mjs";
import { CellMap } from "./map.mjs";
import { Turning } from "./turning.mjs";
import { unpacked, unpackedTexts } from "./unpacking.mjs";

const root = document.getElementById("explore");
const given = JSON.parse(document.getElementById("explore-content").textContent);
const places = Object.fromEntries([...root.querySelectorAll("[data-place]")].map((found) => [found.dataset.place, found]));

/** Reads the counts, then shows the section, which is hidden until then. */
async function begin() {
  const entries = await Promise.all(Object.entries(given.counts).map(async ([name, one]) => [name, await unpacked(one)]));
  const alarms = await unpackedTexts(given.alarms);
  root.hidden = false;
  for (const link of document.querySelectorAll('a[href="#explore"]')) link.parentElement.hidden = false;
  globalThis.explore = new Explore(new Estimates(given, Object.fromEntries(entries)), alarms); // for a console, and for tests
  root.dataset.state = "complete";
}

class Explore {
  constructor(estimates, alarms) {
    Object.assign(this, { estimates, alarms, next: "a" });
    this.horizon = given.horizons.length - 1;
    const chosen = { here: (cell) => this.look(cell), pin: (cell, letter) => this.pin(cell, letter) };
    this.horizonControl();
    for (const letter of ["a", "b"]) {
      places[`set-${letter}`].addEventListener("click", () => { this.next = letter; this.pressed(); });
    }
    places.swap.addEventListener("click", () => { [this.a, this.b] = [this.b, this.a]; this.pinned(); });
    if (given.grid) {
      this.fixed = given.axes.map(({ texts }) => Math.floor(texts.length / 2));
      this.map = new CellMap(places.map, chosen);
      this.chooseAxes();
    } else this.list = new CellList(places, given, chosen);
    this.begin();
    if (this.map) this.layMap();
    this.drawHorizon();
    this.pinned();
    let width = root.clientWidth;
    new ResizeObserver(() => {
      if (root.clientWidth === width) return;
      width = root.clientWidth;
      if (this.map) this.layMap();
      this.drawHorizon();
      this.pinned();
    }).observe(root);
  }

  horizonControl() {
    const last = given.horizons.length - 1;
    places.horizon.max = last;
    places.horizon.value = last;
    places.horizon.closest("p").hidden = !last;
    places.horizon.addEventListener("input", () => {
      this.horizon = places.horizon.valueAsNumber;
      this.drawHorizon();
      this.pinned();
    });
    places.what.append(...[["lifetime", "mean lifetime"], ["alive", "share alive"], ...(given.poles ? [["slope", "what more execution does"]] : [])]
      .map(([value, text]) => element("option", { value }, text)));
    places.what.addEventListener("change", () => this.drawHorizon());
  }

  /** Selects for the axes of the map and the values of the others, where there are more than two. */
  chooseAxes() {
    const { axes, poles } = given;
    this.y = poles ? poles.execution : 0;
    this.x = poles ? poles.misalignment : 1;
    if (axes.length < 3) return;
    const choose = (label, texts, value, changed) => {
      const select = element("select", { "aria-label": label }, ...texts.map((text, k) => element("option", { value: k }, text)));
      select.value = value;
      select.addEventListener("change", () => { changed(Number(select.value)); this.relay(); });
      return element("label", {}, label, " ", select);
    };
    const names = axes.map(({ name }) => name);
    const draw = () => places.axes.replaceChildren(
      choose("across", names, this.x, (axis) => { if (axis === this.y) this.y = this.x; this.x = axis; draw(); }),
      choose("upwards", names, this.y, (axis) => { if (axis === this.x) this.x = this.y; this.y = axis; draw(); }),
      ...axes.flatMap(({ name, texts }, k) => (k === this.x || k === this.y ? []
        : [choose(name, texts, this.fixed[k], (value) => { this.fixed[k] = value; })])));
    draw();
  }

  relay() {
    const at = this.positions(this.here);
    this.layMap();
    this.here = this.cellAt(at[this.x], at[this.y]);
    this.drawHorizon();
    this.pinned();
  }

  /** The number of the cell at positions along the two axes of the map. */
  cellAt(i, j, [x, y] = [this.x, this.y]) {
    return given.axes.reduce((cell, { texts }, k) => cell * texts.length + (k === x ? i : k === y ? j : this.fixed[k]), 0);
  }

  /** Positions of a cell along all axes. */
  positions(cell) {
    return given.axes.toReversed().map(({ texts }) => {
      const at = cell % texts.length;
      cell = (cell - at) / texts.length;
      return at;
    }).reverse();
  }

  nameOf(cell) {
    if (!given.grid) {
      const values = given.axes.map(({ name, texts }) => `${name} ${texts[cell]}`).join(", ");
      return [given.names[cell], values].filter(Boolean).join(": ");
    }
    return this.positions(cell).map((at, k) => `${given.axes[k].name} ${given.axes[k].texts[at]}`).join(", ");
  }

  layMap() {
    this.map.lay({ x: given.axes[this.x], y: given.axes[this.y], cellAt: (i, j) => this.cellAt(i, j) });
  }

  /** Weak and strong misaligned firms to begin with; otherwise the cells whose firms last shortest and longest. */
  begin() {
    if (given.poles) {
      const { weak, strong, execution, misalignment } = given.poles;
      const numbers = given.axes[misalignment].numbers;
      const most = numbers.indexOf(Math.max(...numbers));
      [this.a, this.b] = [weak, strong].map((at) => this.cellAt(most, at, [misalignment, execution]));
      this.here = this.b;
      return;
    }
    const known = [...Array(this.estimates.cells).keys()].filter((cell) => this.estimates.firms(cell));
    const length = (cell) => this.estimates.lifetime(cell, this.horizon).estimate;
    this.a = known.reduce((found, cell) => (length(cell) < length(found) ? cell : found), known[0] ?? 0);
    this.b = known.reduce((found, cell) => (length(cell) > length(found) ? cell : found), known[0] ?? 0);
    this.here = this.b;
  }

  /** What the map or the list shows at the horizon. */
  drawHorizon() {
    const { estimates, horizon } = this;
    const until = years(given.horizons[horizon]);
    places.until.textContent = `${until} years`;
    places.horizon.setAttribute("aria-valuetext", `${until} years`);
    const [lifetime, alive] = estimates.quantities(horizon);
    if (this.list) {
      const every = [...Array(estimates.cells).keys()];
      this.list.show(every.map(lifetime.of), every.map((cell) => scaled(alive.of(cell), 100)));
      return;
    }
    const turning = this.turning = given.poles ? this.turnings() : null;
    const slopes = new Map();
    turning?.slope.forEach((row, e) => row.forEach((value, m) =>
      slopes.set(this.cellAt(m, e, [given.poles.misalignment, given.poles.execution]), value)));
    const shown = {
      lifetime: { of: lifetime.of, unit: "years" },
      alive: { of: (cell) => scaled(alive.of(cell), 100), unit: "%", low: 0, high: 100 },
      slope: { of: (cell) => slopes.get(cell) ?? { estimate: NaN }, unit: "years per unit of execution", signed: true },
    }[places.what.value];
    const values = [...Array(estimates.cells).keys()].map((cell) => shown.of(cell).estimate).filter(Number.isFinite);
    const most = Math.max(...values.map(Math.abs), 0);
    const [low, high] = shown.signed ? [-most, most] : [shown.low ?? Math.min(...values), shown.high ?? Math.max(...values)];
    const colourOf = scale(low, high, shown.signed);
    this.map.colour((cell) => colourOf(shown.of(cell).estimate), (cell) => `${formatted(shown.of(cell), { signed: shown.signed })} ${shown.unit}`);
    this.legend(low, high, colourOf, shown.unit);
    const drawn = turning && this.x === given.poles.misalignment && this.y === given.poles.execution;
    const open = [...slopes].filter(([, { lower, upper }]) => lower <= 0 && upper >= 0).map(([cell]) => cell);
    this.map.contour(drawn ? turning.contour : [], drawn && shown.signed ? open : []);
    places.turning.textContent = turning ? this.turningInWords(turning, until) : "";
  }

  /** The contour and m* of the plane that is shown, or of the middle of other axes, at the horizon. */
  turnings() {
    const { execution, misalignment } = given.poles;
    const plane = new Turning(this.estimates, (e, m) => this.cellAt(m, e, [misalignment, execution]));
    return plane.at(this.horizon);
  }

  turningInWords({ turning }, until) {
    if (!Number.isFinite(turning.estimate)) return `Within ${until} years these firms do not show where the effect of strong execution changes its sign.`;
    return `Within ${until} years the effect of strong execution changes its sign at misalignment ${formatted(turning)}`
      + `${Number.isFinite(turning.lower) ? ` (95 % limits ${[turning.lower, turning.upper].map((end) => end.toFixed(decimals(turning.se))).join(" to ")})` : ""}.`;
  }

  legend(low, high, colourOf, unit) {
    if (!(high >= low)) return void places.legend.replaceChildren("No cell has an estimate.");
    const digits = high - low > 20 ? 0 : high - low > 2 ? 1 : 2;
    const stops = [...Array(9).keys()].map((k) => colourOf(low + ((high - low) * k) / 8));
    const bar = element("span", { class: "bar", "aria-hidden": "true", style: `background: linear-gradient(to right, ${stops.join(", ")})` });
    places.legend.replaceChildren(low.toFixed(digits).replace("-", "−"), bar, `${high.toFixed(digits)} ${unit}`);
  }

  look(cell) {
    if (cell === this.here) return;
    this.here = cell;
    this.draw();
  }

  /** Pin a cell as a letter, or as the one whose turn it is. */
  pin(cell, letter) {
    const as = letter ?? this.next;
    this[as] = cell;
    this.next = as === "a" ? "b" : "a";
    this.pinned();
  }

  pressed() {
    for (const letter of ["a", "b"]) places[`set-${letter}`].setAttribute("aria-pressed", String(this.next === letter));
  }

  pinned() {
    this.pressed();
    this.draw();
    places.difference.textContent = sentence(this.estimates, this);
  }

  draw() {
    const { horizon, here, a, b } = this;
    const shown = { horizon, here, a, b };
    (this.map ?? this.list).mark(shown);
    drawNames(places, (cell) => this.nameOf(cell), shown);
    drawTable(places.table, this.estimates, this.alarms, shown);
    drawCurves(places.curves, this.estimates, shown);
  }
}

begin();
