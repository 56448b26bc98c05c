// A map of two axes: a grid of cells that one moves over by pointer or arrow keys, with a contour over it.
import { svg } from "./drawing.mjs";

const [LEFT, TOP, BOTTOM, RIGHT] = [56, 8, 40, 8];

/** The cells of a plane. Rows are values of the axis upwards, the highest first. */
export class CellMap {
  /**
   * @param {HTMLElement} place
   * @param {{here: (cell: number) => void, pin: (cell: number, letter: ?string) => void}} chosen
   */
  constructor(place, chosen) {
    Object.assign(this, { place, chosen, cells: new Map() });
    place.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["pointerover", "focusin"]) {
      place.addEventListener(name, ({ target }) => { if (target.dataset.cell) chosen.here(Number(target.dataset.cell)); });
    }
    place.addEventListener("click", ({ target }) => { if (target.dataset.cell) chosen.pin(Number(target.dataset.cell), null); });
  }

  /**
   * @param {{x: object, y: object, cellAt: (i: number, j: number) => number}} plane  Its axes, and the number of the
   *   cell at positions along them.
   */
  lay({ x, y, cellAt }) {
    Object.assign(this, { x, y, cellAt });
    const [columns, rows] = [x.texts.length, y.texts.length];
    const width = Math.max(240, this.place.clientWidth);
    this.size = { wide: (width - LEFT - RIGHT) / columns, high: Math.min((width - LEFT - RIGHT) / rows, 420 / rows, 60) };
    const height = TOP + rows * this.size.high + BOTTOM;
    const labels = svg("g", { "aria-hidden": "true" });
    const every = (count, room) => Math.ceil(count / Math.max(1, Math.floor(room)));
    const [byX, byY] = [every(columns, (width - LEFT) / 46), every(rows, (height - BOTTOM) / 20)];
    x.texts.forEach((text, i) => {
      if (i % byX === 0) labels.append(svg("text", { x: this.centreX(i), y: height - BOTTOM + 16, "text-anchor": "middle" }, text));
    });
    y.texts.forEach((text, j) => {
      if (j % byY === 0) labels.append(svg("text", { x: LEFT - 6, y: this.centreY(j) + 4, "text-anchor": "end" }, text));
    });
    labels.append(svg("text", { class: "title", x: LEFT + (width - LEFT - RIGHT) / 2, y: height - 4, "text-anchor": "middle" }, x.name));
    labels.append(svg("text", { class: "title", "text-anchor": "middle", transform: `translate(11 ${TOP + (height - TOP - BOTTOM) / 2}) rotate(-90)` }, y.name));
    const grid = svg("g", { role: "grid", "aria-label": `Cells by ${y.name}, upwards, and ${x.name}` });
    this.cells.clear();
    for (let j = rows - 1; j >= 0; j--) {
      const row = svg("g", { role: "row" });
      for (let i = 0; i < columns; i++) {
        const cell = cellAt(i, j);
        const rect = svg("rect", {
          role: "gridcell", tabindex: "-1", "data-cell": cell, x: LEFT + i * this.size.wide, y: this.centreY(j) - this.size.high / 2,
          width: this.size.wide + 0.3, height: this.size.high + 0.3,
        });
        this.cells.set(cell, { rect, i, j });
        row.append(rect);
      }
      grid.append(row);
    }
    this.over = svg("g", { "aria-hidden": "true", class: "over" });
    this.marks = svg("g", { "aria-hidden": "true", class: "over" });
    this.place.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, labels, grid, this.over, this.marks));
  }

  centreX(i) { return LEFT + (i + 0.5) * this.size.wide; }

  centreY(j) { return TOP + (this.y.texts.length - 1 - j + 0.5) * this.size.high; }

  /** Colour the cells, and name them with their estimates. */
  colour(colourOf, textOf) {
    for (const [cell, { rect, i, j }] of this.cells) {
      rect.setAttribute("fill", colourOf(cell));
      rect.setAttribute("aria-label", `${this.y.name} ${this.y.texts[j]}, ${this.x.name} ${this.x.texts[i]}: ${textOf(cell)}`);
    }
  }

  /** Draw where the effect changes its sign, by position along y: {estimate, lower, upper} in values of x; and dots. */
  contour(changes, dots) {
    const at = (value) => LEFT + (position(this.x.numbers, value) + 0.5) * this.size.wide;
    const shown = [];
    let run = [];
    const end = () => {
      if (run.some(({ lower }) => Number.isFinite(lower))) {
        const edge = run.filter(({ lower }) => Number.isFinite(lower));
        const points = [...edge.map(({ lower, y }) => [lower, y]), ...edge.toReversed().map(({ upper, y }) => [upper, y])];
        shown.push(svg("polygon", { class: "band", points: points.map(([u, y]) => `${at(u).toFixed(1)},${y.toFixed(1)}`).join(" ") }));
      }
      if (run.length) {
        const points = run.map(({ estimate, y }) => `${at(estimate).toFixed(1)},${y.toFixed(1)}`).join(" ");
        shown.push(svg("polyline", { class: "halo", points }), svg("polyline", { class: "contour", points }));
      }
      run = [];
    };
    changes.forEach((change, j) => {
      if (Number.isFinite(change.estimate)) run.push({ ...change, y: this.centreY(j) });
      else end();
    });
    end();
    for (const cell of dots) {
      const { i, j } = this.cells.get(cell);
      shown.push(svg("circle", { class: "dot", cx: this.centreX(i), cy: this.centreY(j), r: 2.6 }));
    }
    this.over.replaceChildren(...shown);
  }

  /** Ring the cell that is looked at and those that are pinned; the former is the grid's one stop of the tab key. */
  mark({ here, a, b }) {
    this.cells.get(this.stop)?.rect.setAttribute("tabindex", "-1");
    this.stop = this.cells.has(here) ? here : this.cells.keys().next().value;
    this.cells.get(this.stop)?.rect.setAttribute("tabindex", "0");
    const rings = [["here", here], ["a", a], ["b", b]].flatMap(([name, cell]) => {
      const found = this.cells.get(cell);
      if (!found) return [];
      const box = { x: this.centreX(found.i) - this.size.wide / 2, y: this.centreY(found.j) - this.size.high / 2, width: this.size.wide, height: this.size.high };
      const ring = [svg("rect", { class: "ring halo", ...box }), svg("rect", { class: `ring ${name}`, ...box })];
      if (name === "here") return ring;
      return [...ring, svg("circle", { class: `pin ${name}`, cx: this.centreX(found.i), cy: this.centreY(found.j), r: 8 }),
        svg("text", { class: "pinned", x: this.centreX(found.i), y: this.centreY(found.j) + 4, "text-anchor": "middle" }, name.toUpperCase())];
    });
    this.marks.replaceChildren(...rings);
  }

  key(event) {
    const found = this.cells.get(Number(event.target.dataset.cell));
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
    const [columns, rows] = [this.x.texts.length, this.y.texts.length];
    const { i, j } = found;
    const to = { ArrowLeft: [i - 1, j], ArrowRight: [i + 1, j], ArrowUp: [i, j + 1], ArrowDown: [i, j - 1], Home: [0, j], End: [columns - 1, j] }[event.key];
    if (to) this.cells.get(this.cellAt(Math.min(columns - 1, Math.max(0, to[0])), Math.min(rows - 1, Math.max(0, to[1])))).rect.focus();
    else if (event.key === "Enter" || event.key === " ") this.chosen.pin(Number(event.target.dataset.cell), null);
    else if (["a", "b"].includes(event.key)) this.chosen.pin(Number(event.target.dataset.cell), event.key);
    else return;
    event.preventDefault();
  }
}

/** Where a value lies among ascending or descending numbers, as a fraction of positions; beyond the ends it is the end. */
function position(numbers, value) {
  const rising = numbers.at(-1) > numbers[0];
  const inside = rising ? Math.min(numbers.at(-1), Math.max(numbers[0], value)) : Math.max(numbers.at(-1), Math.min(numbers[0], value));
  for (let k = 1; k < numbers.length; k++) {
    if (rising ? inside <= numbers[k] : inside >= numbers[k]) return k - 1 + (inside - numbers[k - 1]) / (numbers[k] - numbers[k - 1]);
  }
  return numbers.length - 1;
}
