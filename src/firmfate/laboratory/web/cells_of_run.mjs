// Setting A as a cell of the run that the page belongs to: its firms are then firms of the run.

/** The cell that is typed, as values by field and the word of its random numbers, to `chosen`. */
export function chooseCell(run, { cell }, chosen) {
  const index = cell.valueAsNumber;
  const valid = Number.isInteger(index) && index >= 0 && index < run.points.length;
  cell.setCustomValidity(valid ? "" : `allowed: an integer from 0 to ${run.points.length - 1}`);
  if (!valid) return void cell.reportValidity();
  chosen(fieldsOf(run, index), run.words[index] ?? "0");
}

/** Say which cell setting A is, if it is one: its values are those of the cell and, elsewhere, of the study. */
export function showWhichCell(run, { cell, which }, values) {
  const index = cell.valueAsNumber;
  const found = Number.isInteger(index) && run.points[index] ? fieldsOf(run, index) : null;
  const same = found !== null && Object.keys(values).every((field) => values[field] === (found[field] ?? run.base[field]));
  const named = same ? run.axes.map((axis, k) => `${axis} ${run.points[index][k]}`).join(", ") : "";
  which.textContent = same
    ? `Firms 0 to ${run.replicates - 1} of A are those of the run${named ? ` at ${named}` : ""}.`
    : found === null ? "" : "A has been changed: its firms are no longer those of the run.";
}

function fieldsOf(run, index) {
  return Object.fromEntries(run.fields.flatMap((fields, k) => fields.map((field) => [field, run.points[index][k]])));
}
