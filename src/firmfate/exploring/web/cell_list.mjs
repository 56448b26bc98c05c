// Cells of a list, a hypercube or Sobol points: a table that one sorts, and mean lifetimes over any of the axes.
import { element, svg, ticks } from "./drawing.mjs";
import { formatted } from "./formatting.mjs";

const ROWS = 25;

/** The table; `here` and `pin` as of `CellMap`. */
export class CellList {
  constructor(places, given, chosen) {
    Object.assign(this, { places, given, chosen, column: null, falling: false, shown: ROWS });
    const on = (name, act) => places.list.addEventListener(name, ({ target }) => {
      const row = target.closest("tr[data-cell]");
      if (row) act(Number(row.dataset.cell));
    });
    for (const name of ["pointerover", "focusin"]) on(name, chosen.here);
    on("click", (cell) => chosen.pin(cell, null));
    places.list.addEventListener("keydown", (event) => this.key(event));
    places.more.addEventListener("click", () => { this.shown += 4 * ROWS; this.draw(); });
    for (const name of ["pointerover", "click"]) {
      places.scatter.addEventListener(name, ({ target }) => {
        if (target.dataset?.cell) (name === "click" ? chosen.pin : chosen.here)(Number(target.dataset.cell), null);
      });
    }
    given.axes.forEach((axis, k) => { if (axis.numbers) places.along.append(element("option", { value: k }, axis.name)); });
    places.along.addEventListener("change", () => this.scatter());
    places.along.closest("p").hidden = places.along.options.length < 2;
    places.scatter.hidden = !places.along.options.length;
  }

  /** Show estimates: by cell, `lifetimes` in years and `alive` in per cent. */
  show(lifetimes, alive) {
    Object.assign(this, { lifetimes, alive });
    this.draw();
  }

  columns() {
    const { names, axes } = this.given;
    return [
      { name: "cell", words: true, text: (cell) => names[cell], key: (cell) => cell },
      ...axes.map((axis) => ({ name: axis.name, words: !axis.numbers, text: (cell) => axis.texts[cell], key: (cell) => (axis.numbers ?? axis.texts)[cell] })),
      { name: "mean lifetime, years", text: (cell) => formatted(this.lifetimes[cell]), key: (cell) => this.lifetimes[cell].estimate },
      { name: "alive, %", text: (cell) => formatted(this.alive[cell]), key: (cell) => this.alive[cell].estimate },
    ];
  }

  draw() {
    const columns = this.columns();
    const order = this.lifetimes.map((_, cell) => cell);
    if (this.column !== null) {
      const { key } = columns[this.column];
      const known = (value) => typeof value === "string" || Number.isFinite(value);
      order.sort((p, q) => {
        const [u, v] = [key(p), key(q)];
        if (!known(u) || !known(v)) return known(v) - known(u) || p - q; // cells without an estimate come last
        return (this.falling ? -1 : 1) * (u < v ? -1 : u > v ? 1 : 0) || p - q;
      });
    }
    const head = element("tr", {}, ...columns.map(({ name, words }, k) => {
      const button = element("button", { type: "button" }, name, element("span", { "aria-hidden": "true", class: "order" }, this.column !== k ? "" : this.falling ? " ↓" : " ↑"));
      button.addEventListener("click", () => {
        this.falling = this.column === k ? !this.falling : false;
        this.column = k;
        this.draw();
        this.places.list.querySelectorAll("thead button")[k].focus();
      });
      return element("th", { scope: "col", class: words ? "words" : "", "aria-sort": this.column !== k ? "none" : this.falling ? "descending" : "ascending" }, button);
    }));
    const rows = order.slice(0, this.shown).map((cell) => element("tr", { "data-cell": cell }, ...columns.map(({ text, words }, k) =>
      k ? element("td", { class: words ? "words" : "" }, text(cell))
        : element("th", { scope: "row" }, element("span", { class: "letters" }), element("button", { type: "button", tabindex: "-1" }, text(cell))))));
    this.places.list.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
    const hidden = order.length - rows.length;
    this.places.more.hidden = hidden <= 0;
    this.places.more.textContent = `${Math.min(hidden, 4 * ROWS)} more of ${order.length} cells`;
    this.scatter();
  }

  /** Points of mean lifetimes over an axis, with 95 % limits. */
  scatter() {
    const axis = this.given.axes[Number(this.places.along.value)];
    if (!axis?.numbers) return;
    const width = Math.max(240, this.places.scatter.clientWidth);
    const [height, left, bottom, top, right] = [Math.min(320, width * 0.7), 46, 40, 10, 12];
    const known = this.lifetimes.map((one, cell) => ({ ...one, cell })).filter(({ estimate }) => Number.isFinite(estimate));
    const [first, last] = [Math.min(...axis.numbers), Math.max(...axis.numbers)];
    const margin = (last - first || 1) * 0.04;
    const [low, high] = [first - margin, last + margin];
    const reach = (sign) => known.map(({ estimate, se }) => estimate + sign * 2 * (se || 0));
    const [shortest, longest] = [Math.max(0, Math.min(...reach(-1))), Math.max(...reach(1))];
    const [least, most] = longest > shortest ? [shortest, longest] : [Math.max(0, shortest - 1), longest + 1];
    const x = (value) => left + ((value - low) / (high - low)) * (width - left - right);
    const y = (value) => height - bottom - ((value - least) / (most - least)) * (height - top - bottom);
    const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    for (const value of ticks(least, most, 5)) {
      picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      picture.append(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
    }
    for (const value of ticks(first, last, Math.min(8, width / 70))) {
      picture.append(svg("text", { x: x(value), y: height - bottom + 16, "text-anchor": "middle" }, String(value)));
    }
    picture.append(svg("text", { class: "title", x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, axis.name));
    picture.append(svg("text", { class: "title", transform: `translate(11 ${(height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, "mean lifetime, years"));
    this.points = new Map(known.map(({ estimate, se, cell }) => {
      const at = axis.numbers[cell];
      if (se > 0) picture.append(svg("line", { class: "error", x1: x(at), x2: x(at), y1: y(estimate - 1.96 * se), y2: y(estimate + 1.96 * se) }));
      const point = svg("circle", { class: "point", "data-cell": cell, cx: x(at), cy: y(estimate), r: 4 });
      return [cell, point];
    }));
    picture.append(...this.points.values());
    this.places.scatter.replaceChildren(picture);
    if (this.marked) this.mark(this.marked);
  }

  /** Mark the cell that is looked at and those that are pinned, in the table and among the points. */
  mark(marked) {
    this.marked = marked;
    const rows = [...this.places.list.querySelectorAll("tr[data-cell]")];
    const stop = rows.find((row) => Number(row.dataset.cell) === marked.here) ?? rows[0];
    for (const row of rows) {
      const cell = Number(row.dataset.cell);
      const letters = ["a", "b"].filter((name) => marked[name] === cell);
      row.className = [...letters, ...(cell === marked.here ? ["here"] : [])].join(" ");
      row.querySelector(".letters").textContent = letters.join(" ").toUpperCase();
      row.querySelector("button").setAttribute("tabindex", row === stop ? "0" : "-1");
    }
    for (const [cell, point] of this.points ?? []) {
      point.setAttribute("class", `point ${["a", "b", "here"].filter((name) => marked[name] === cell).join(" ")}`);
      if (Object.values(marked).includes(cell)) point.parentNode.append(point);
    }
  }

  key(event) {
    const row = event.target.closest("tr[data-cell]");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (to) to.querySelector("button").focus();
    else if (["a", "b"].includes(event.key)) this.chosen.pin(Number(row.dataset.cell), event.key);
    else return;
    event.preventDefault();
  }
}
