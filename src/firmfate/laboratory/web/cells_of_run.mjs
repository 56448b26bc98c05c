// Settings as cells of the run that the page belongs to: their firms are then firms of the run.
import { element } from "./drawing.mjs";

/** The cells of a run: chosen by name, by values of their axes, or by number; and recognised by their values. */
export class CellsOfRun {
  /**
   * @param {object} run  What the page is given of the run.
   * @param {{cells: HTMLElement}} places
   * @param {(setting: "a"|"b", cell: number) => void} chosen
   */
  constructor(run, { cells }, chosen) {
    this.run = run;
    this.makeSelectors(cells);
    for (const setting of ["a", "b"]) {
      const button = element("button", { type: "button", "data-as": setting }, `as ${setting.toUpperCase()}`);
      button.addEventListener("click", () => {
        const cell = this.selected();
        if (cell !== null) chosen(setting, cell);
      });
      cells.append(button);
    }
  }

  makeSelectors(place) {
    const { axes, along, names, cells, draws } = this.run;
    const labelled = (text, control) => place.append(element("label", {}, text, " ", control));
    const select = (texts) => element("select", {}, ...texts.map((text, at) => element("option", { value: at }, text)));
    if (names.length) {
      const named = select(names);
      labelled("cell", named);
      this.selected = () => Number(named.value);
      this.show = (cell) => { named.value = cell; };
    } else if (along || draws) {
      const [titles, values] = along ? [axes, along]
        : [["draw", ...draws.axes], [Array.from({ length: draws.count }, (_, draw) => draw + 1), ...draws.along]];
      const chosen = titles.map((title, k) => {
        const control = select(values[k].map(String));
        labelled(title, control);
        return control;
      });
      this.selected = () => chosen.reduce((cell, { value }, k) => cell * values[k].length + Number(value), 0);
      this.show = (cell) => this.positions(cell, values).forEach((at, k) => { chosen[k].value = at; });
    } else {
      const number = element("input", { type: "number", min: 0, max: cells - 1, step: 1, value: 0 });
      labelled(`number, 0 to ${cells - 1}`, number);
      this.selected = () => {
        const cell = number.valueAsNumber;
        const valid = Number.isInteger(cell) && cell >= 0 && cell < cells;
        number.setCustomValidity(valid ? "" : `allowed: an integer from 0 to ${cells - 1}`);
        if (!valid) number.reportValidity();
        return valid ? cell : null;
      };
      this.show = (cell) => { number.value = cell; };
    }
  }

  /** Positions of a cell along axes with these values, of which the last is the fastest; those of a grid by default. */
  positions(cell, along = this.run.along) {
    let rest = cell;
    return along.toReversed().map(({ length }) => {
      const at = rest % length;
      rest = (rest - at) / length;
      return at;
    }).reverse();
  }

  /** Values of the axes in a cell. */
  point(cell) {
    const { along, points } = this.run;
    return along ? this.positions(cell).map((at, k) => along[k][at]) : points[cell];
  }

  /** Values of the axes in a cell, by field. */
  fieldsOf(cell) {
    const point = this.point(cell);
    return Object.fromEntries(this.run.fields.flatMap((fields, k) => fields.map((field) => [field, point[k]])));
  }

  /** What tells the random numbers of a cell apart. */
  wordOf(cell) { return this.run.words[cell] ?? "0"; }

  /** The cell with these values and random numbers; null where there is none. A field that firms draw is null. */
  cellOf(values, word) {
    const { fields, base, drawn, words, cells, along } = this.run;
    const swept = new Set(fields.flat());
    const firms = new Set(drawn?.fields ?? []);
    if (Object.keys(values).some((name) => !swept.has(name) && values[name] !== (firms.has(name) ? null : base[name]))) return null;
    const is = (cell) => {
      const point = this.point(cell);
      return (!words.length || words[cell] === word) && fields.every((names, k) => names.every((name) => values[name] === point[k]));
    };
    if (along) {
      const at = fields.map(([name], k) => along[k].indexOf(values[name]));
      const cell = at.reduce((sum, place, k) => sum * along[k].length + place, 0);
      return at.every((place) => place >= 0) && is(cell) ? cell : null;
    }
    for (let cell = 0; cell < cells; cell++) if (is(cell)) return cell;
    return null;
  }

  /** Values of a cell in words, with its name or number where it is no cell of a grid. */
  nameOf(cell) {
    const { axes, along, names, draws } = this.run;
    const point = this.point(cell);
    const number = draws ? `of draw ${Math.floor(cell * draws.count / this.run.cells) + 1}` : `number ${cell}`;
    const values = axes.map((axis, k) => `${axis} ${point[k]}`).join(", ");
    return names.length ? `${names[cell]} (${values})` : along ? values || "its only cell" : `${number} (${values})`;
  }

  /** What a setting is to the run, in a sentence. */
  sentence(setting, cell) {
    const letter = setting.toUpperCase();
    if (cell === null) return `${letter} is no cell of the run.`;
    if (this.run.same) return `${letter} is the run's cell ${this.nameOf(cell)}: firm 17 of ${letter} is replicate 17 of the run.`;
    return `${letter} has the values of the run's cell ${this.nameOf(cell)}. Its firms are of the same population, but not those of the run: `
      + "each cell of the run has draws of its own, which this page does not hold.";
  }
}
