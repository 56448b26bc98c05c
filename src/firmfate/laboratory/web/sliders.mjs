// A row for every parameter: what it is, and for both settings a slider and the exact number.
import { element } from "./drawing.mjs";
import { short } from "./statistics.mjs";

/**
 * The values of both settings by field, and the controls that change them.
 *
 * @param {HTMLElement} place
 * @param {object} given  What the page is given.
 * @param {(setting: "a"|"b") => void} changed  Called after each change.
 */
export function makeSliders(place, given, changed) {
  const values = { a: {}, b: {} };
  const shown = []; // functions that bring controls in line with values
  for (const { title, parameters } of given.groups) {
    const assumed = parameters.filter((row) => row.assumption).length;
    const group = element("details", { class: "group" },
      element("summary", {}, title, element("span", { class: "count" }, ` ${parameters.length}${assumed ? `, ${assumed} assumed *` : ""}`)));
    for (const row of parameters) {
      row.fields.forEach((field, i) => { values.a[field] = values.b[field] = atFirst(row, i); });
      group.append(rowOf(row, values, changed, shown));
    }
    place.append(group);
  }
  place.querySelector("details")?.setAttribute("open", "");
  const refresh = () => shown.forEach((show) => show());
  refresh();
  return {
    values,
    /** Set a setting to the values that the page began with, and some by field. */
    set(setting, byField = {}) {
      for (const { parameters } of given.groups) {
        for (const row of parameters) row.fields.forEach((field, i) => { values[setting][field] = byField[field] ?? atFirst(row, i); });
      }
      refresh();
      changed(setting);
    },
    /** Values by field, given by name of the parameter. */
    fieldsOf(byName) {
      const rows = given.groups.flatMap(({ parameters }) => parameters).filter((row) => row.name in byName);
      return Object.fromEntries(rows.flatMap((row) => row.fields.map((field) => [field, byName[row.name]])));
    },
    copy(from, to) {
      Object.assign(values[to], values[from]);
      refresh();
      changed(to);
    },
  };
}

/** What a field begins with: null where each firm of a run has drawn its own value. */
function atFirst(row, i) { return row.drawn[i] ? null : row.values[i]; }

function rowOf(row, values, changed, shown) {
  const id = `p-${row.name}`;
  const made = element("div", { class: "parameter", role: "group", "aria-labelledby": id },
    element("p", { class: "name", id }, element("b", {}, row.name), row.assumption ? " *" : "",
      element("span", { class: "unit" }, ` ${row.unit}, ${row.range}`)),
    element("p", { class: "meaning" }, row.meaning, row.source ? element("span", { class: "source" }, ` ${row.source}`) : ""));
  const words = [...new Set(row.drawn.filter(Boolean))].join("; ");
  if (words) made.append(element("p", { class: "meaning" }, `Each firm has its own, as drawn in the run: ${words}. A slider gives all firms one value; an emptied number goes back.`));
  for (const setting of ["a", "b"]) made.append(control(row, row.fields, row.name, setting, values, changed, shown));
  if (row.parts.length) {
    const parts = element("details", { class: "parts" }, element("summary", {}, "one by one"));
    row.fields.forEach((field, i) => {
      parts.append(element("p", { class: "name" }, row.parts[i]));
      for (const setting of ["a", "b"]) {
        parts.append(control(row, [field], `${row.name} ${row.parts[i]}`, setting, values, changed, shown));
      }
    });
    made.append(parts);
  }
  return made;
}

/** A slider and a number for one setting; both write all `fields`. */
function control(row, fields, name, setting, values, changed, shown) {
  const id = `${setting}-${fields.length > 1 ? row.name : fields[0]}`;
  const letter = setting.toUpperCase();
  const slider = element("input", { type: "range", id, min: row.low, max: row.high, step: roundStep((row.high - row.low) / 100) });
  const number = element("input", { type: "number", step: "any", "aria-label": `${name}, setting ${letter}, exact value` });
  const write = (value) => {
    for (const field of fields) values[setting][field] = value;
    shown.forEach((show) => show());
    changed(setting);
  };
  slider.addEventListener("input", () => {
    const last = Number(slider.max) - slider.valueAsNumber < Number(slider.step) / 2;
    write(last ? row.high : Number(slider.valueAsNumber.toPrecision(12)));
  });
  const places = fields.map((field) => row.fields.indexOf(field));
  const drawn = places.every((place) => row.drawn[place]);
  number.addEventListener("change", () => {
    if (drawn && number.value === "" && !number.validity.badInput) {
      number.setCustomValidity("");
      return void write(null);
    }
    const wrong = fault(number.valueAsNumber, row);
    number.setCustomValidity(wrong);
    if (wrong) number.reportValidity();
    else write(number.valueAsNumber);
  });
  shown.push(() => {
    const found = fields.map((field) => values[setting][field]);
    const centres = found.map((value, k) => value ?? row.values[places[k]]);
    const mean = centres.reduce((sum, value) => sum + value, 0) / found.length;
    const same = found.every((value) => value === found[0]);
    const ofFirms = same && found[0] === null;
    slider.value = same ? centres[0] : mean;
    slider.setAttribute("aria-valuetext", ofFirms ? "as each firm has drawn it" : same ? `${short(found[0])} ${row.unit}` : `parts differ, mean ${short(mean)}`);
    if (document.activeElement !== number || !number.validationMessage) number.value = same && !ofFirms ? String(found[0]) : "";
    number.placeholder = ofFirms ? "as drawn" : same ? "" : "differ";
  });
  return element("div", { class: `control ${setting}` },
    element("label", { for: id }, letter, element("span", { class: "hidden" }, `: ${name}`)), slider, number);
}

/** Why a parameter may not have a value; empty where it may. */
function fault(value, { allowed: { low, high, openLow, openHigh }, range }) {
  const inside = Number.isFinite(value) && (low === null || (openLow ? value > low : value >= low))
    && (high === null || (openHigh ? value < high : value <= high));
  return inside ? "" : `allowed: ${range}`;
}

/** The largest of 1, 2, 5 times a power of ten that is no more than a step. */
function roundStep(step) {
  if (!(step > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  return Number((power * [5, 2, 1].find((x) => x * power <= step * 1.001)).toPrecision(3));
}
