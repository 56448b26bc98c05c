// Puts the laboratory together: what the page is given, its controls, its worker, its figures.
import { element } from "./drawing.mjs";
import { causesLegend, drawFigures } from "./figures.mjs";
import { FirmsOfSettings, Stepper } from "./firms_of_settings.mjs";
import { OneFirm } from "./one_firm.mjs";
import { chooseCell, showWhichCell } from "./cells_of_run.mjs";
import { makeSliders } from "./sliders.mjs";

const root = document.getElementById("laboratory");
const given = JSON.parse(document.getElementById("laboratory-content").textContent);
const place = (name) => root.querySelector(`[data-place="${name}"]`);
const places = Object.fromEntries([...root.querySelectorAll("[data-place]")].map((found) => [found.dataset.place, found]));

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const stepper = new Stepper(given.worker, given.modules.map(bytes));
const sliders = makeSliders(places.sliders, given, (setting) => {
  root.dataset.state = "stepping";
  for (const button of places.stories.children) button.setAttribute("aria-pressed", "false"); // until `tell` is through
  places.story.textContent = "";
  firms.changed(setting);
  if (given.run) showWhichCell(given.run, places, sliders.values.a);
});
// the 64 bits that tell the random numbers of a run's cells apart are 0 where they are common
const fixed = { steps: given.steps, dt: given.dt, key: given.key, cell: "0", wanted: given.firms };
const firms = new FirmsOfSettings(stepper, sliders.values, fixed, draw);

const oneFirm = new OneFirm(
  { replicate: places.replicate, week: places.week, play: places.play, now: places.now, summary: places.fate, stocks: places.stocks },
  given,
  (setting, replicate) => stepper.ask({
    parameters: { ...sliders.values[setting] }, key: given.key, cell: fixed.cell, first: replicate, count: 1, steps: given.steps, dt: given.dt, stocks: "path",
  }),
);

function draw(idle) {
  if (firms.failed) {
    places.words.textContent = `This browser cannot run the model: ${firms.failed.message}.`;
    return;
  }
  drawFigures(places, firms, given, idle);
  root.dataset.state = idle ? "complete" : "stepping";
  if (!idle) return;
  places.call.textContent = call();
  oneFirm.update().catch((error) => { places.fate.textContent = error.message; });
}

/** The Python call that makes the firms of both settings. */
function call() {
  const differing = given.groups.flatMap(({ parameters }) => parameters).flatMap((row) => {
    const [a, b] = ["a", "b"].map((setting) => row.fields.map((field) => sliders.values[setting][field]));
    if ([a, b].every((found) => found.every((value, i) => value === given.defaults[row.fields[i]]))) return [];
    if ([a, b].every((found) => found.every((value) => value === found[0]))) return [`${JSON.stringify(row.name)}: [${a[0]}, ${b[0]}]`];
    return row.parts.map((part, i) => `${JSON.stringify(`${row.name}.${part}`)}: [${a[i]}, ${b[i]}]`);
  });
  const steps = given.stepsPerWeek === null ? "" : `, steps_per_week=${given.stepsPerWeek}`;
  return `firmfate.simulate(${JSON.stringify(given.name)}, parameters={${differing.join(", ")}}, `
    + `weeks=${given.weeks}${steps}, replicates=${given.firms}, seed=${given.key})`;
}

for (const story of given.stories) {
  const button = element("button", { type: "button" }, story.title);
  button.addEventListener("click", () => tell(story, button));
  places.stories.append(button);
}

function tell(story, button) {
  sliders.set("a", story.a);
  sliders.set("b", story.b);
  places.story.textContent = story.words;
  button.setAttribute("aria-pressed", "true");
}

places.legend.append(causesLegend(given));
place("same").addEventListener("click", () => sliders.copy("a", "b"));
place("reset").addEventListener("click", () => { sliders.set("a"); sliders.set("b"); });
places.cell?.addEventListener("change", () => {
  chooseCell(given.run, places, (fields, word) => {
    if (fixed.cell !== word) {
      fixed.cell = word;
      firms.changed("b");
    }
    sliders.setFields("a", fields);
  });
});
new ResizeObserver(() => { if (firms.a.known && firms.b.known) draw(!firms.running); }).observe(places.survival);

stepper.ready.then(() => {
  if (given.stories.length) tell(given.stories[0], places.stories.firstElementChild);
  else { firms.changed("a"); firms.changed("b"); }
}, (error) => { firms.failed = error; draw(true); });

// for a browser's console, and for tests
globalThis.laboratory = { given, firms, stepper, sliders, oneFirm };
