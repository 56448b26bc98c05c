// The Python call that makes the firms of the page.

/**
 * The call, and what it is about; both empty where there is none.
 *
 * @param {object} given  What the page is given.
 * @param {{a: object, b: object}} values
 * @param {?{cells: CellsOfRun, words: {a: string, b: string}, replicate: string}} ofRun  In the laboratory of a run.
 */
export function pythonCall(given, values, ofRun) {
  const both = ["a", "b"];
  const alone = both.every((setting) => !Object.values(values[setting]).includes(null) && (ofRun?.words[setting] ?? "0") === "0");
  if (alone) return { about: "The same firms in Python:", text: simulation(given, values) };
  const setting = both.find((one) => ofRun.cells.cellOf(values[one], ofRun.words[one]) !== null);
  if (setting === undefined || !given.run.same) return { about: "", text: "" };
  const cell = ofRun.cells.cellOf(values[setting], ofRun.words[setting]);
  const { keys, names } = given.run;
  const named = names.length ? [`cell=${JSON.stringify(names[cell])}`] : ofRun.cells.point(cell).map((value, k) => `${keys[k]}=${value}`);
  return {
    about: `Firm ${ofRun.replicate} of ${setting.toUpperCase()} in Python, from the directory of the run:`,
    text: `firmfate.replay(${["DIRECTORY", ...named, `replicate=${ofRun.replicate}`].join(", ")})`,
  };
}

function simulation(given, values) {
  const differing = given.groups.flatMap(({ parameters }) => parameters).flatMap((row) => {
    const [a, b] = ["a", "b"].map((setting) => row.fields.map((field) => values[setting][field]));
    if ([a, b].every((found) => found.every((value, i) => value === given.defaults[row.fields[i]]))) return [];
    if ([a, b].every((found) => found.every((value) => value === found[0]))) return [`${JSON.stringify(row.name)}: [${a[0]}, ${b[0]}]`];
    return row.parts.map((part, i) => `${JSON.stringify(`${row.name}.${part}`)}: [${a[i]}, ${b[i]}]`);
  });
  const steps = given.stepsPerWeek === null ? "" : `, steps_per_week=${given.stepsPerWeek}`;
  return `firmfate.simulate(${JSON.stringify(given.name)}, parameters={${differing.join(", ")}}, `
    + `weeks=${given.weeks}${steps}, replicates=${given.firms}, seed=${given.key})`;
}
