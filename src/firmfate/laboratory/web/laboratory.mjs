// Puts the laboratory together: what the page is given, its controls, its worker, its figures.
import { element } from "./drawing.mjs";
import { causesLegend, drawFigures } from "./figures.mjs";
import { FirmsOfSettings, Stepper } from "./firms_of_settings.mjs";
import { OneFirm } from "./one_firm.mjs";
import { CellsOfRun } from "./cells_of_run.mjs";
import { pythonCall } from "./python_call.mjs";
import { makeSliders } from "./sliders.mjs";

const root = document.getElementById("laboratory");
const given = JSON.parse(document.getElementById("laboratory-content").textContent);
const places = Object.fromEntries([...root.querySelectorAll("[data-place]")].map((found) => [found.dataset.place, found]));
const { run } = given;

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const drawn = run?.drawn && { fields: run.drawn.fields, values: new Float64Array(bytes(run.drawn.values).buffer) };
const stepper = new Stepper(given.worker, given.modules.map(bytes), drawn);
const randomWords = { a: "0", b: "0" }; // 64 bits that tell the random numbers of a run's cells apart; 0 where they are common
const sliders = makeSliders(places.sliders, given, (setting) => {
  root.dataset.state = "stepping";
  for (const button of places.stories.children) button.setAttribute("aria-pressed", "false"); // until `tell` is through
  places.story.textContent = "";
  showWhich();
  firms.changed(setting);
});
const fixed = { steps: given.steps, dt: given.dt, key: given.key, wanted: given.firms };
const firms = new FirmsOfSettings(stepper, sliders.values, randomWords, fixed, draw);

const ofFirms = () => ["a", "b"].some((setting) => Object.values(sliders.values[setting]).includes(null));
const oneFirm = new OneFirm(
  { replicate: places.replicate, week: places.week, play: places.play, now: places.now, summary: places.fate, stocks: places.stocks },
  given,
  (setting, replicate) => stepper.ask({
    parameters: { ...sliders.values[setting] }, key: given.key, cell: randomWords[setting], first: replicate, count: 1, steps: given.steps, dt: given.dt, stocks: "path",
  }),
  () => (ofFirms() ? given.firms : Infinity),
);

function draw(idle) {
  if (firms.failed) {
    places.words.textContent = `This browser cannot run the model: ${firms.failed.message}.`;
    return;
  }
  drawFigures(places, firms, given, idle);
  root.dataset.state = idle ? "complete" : "stepping";
  if (!idle) return;
  const { about, text } = pythonCall(given, sliders.values, cells && { cells, words: randomWords, replicate: places.replicate.value });
  places["call-about"].textContent = about;
  places.call.textContent = text;
  places.call.parentElement.hidden = !text;
  oneFirm.update().catch((error) => { places.fate.textContent = error.message; });
}

const cells = run && new CellsOfRun(run, places, chooseCell);

/** Make a setting a cell of the run, with the cell's random numbers. */
function chooseCell(setting, cell) {
  randomWords[setting] = cells.wordOf(cell);
  sliders.set(setting, cells.fieldsOf(cell));
}

function showWhich() {
  if (!cells) return;
  places.which.replaceChildren(...["a", "b"].map((setting) =>
    element("li", { class: setting }, cells.sentence(setting, cells.cellOf(sliders.values[setting], randomWords[setting])))));
  places.pairing.textContent = randomWords.a === randomWords.b ? "Firm i of A and of B meets the same random numbers, so the error of a difference is that of the differences firm by firm."
    : "Cells of this run have random numbers of their own, which is part of how A and B differ.";
}

for (const story of given.stories) {
  const button = element("button", { type: "button" }, story.title);
  button.addEventListener("click", () => tell(story, button));
  places.stories.append(button);
}

function tell(story, button) {
  randomWords.a = randomWords.b = "0";
  sliders.set("a", sliders.fieldsOf(story.a));
  sliders.set("b", sliders.fieldsOf(story.b));
  places.story.textContent = story.words;
  button.setAttribute("aria-pressed", "true");
}

/** Begin with the first story, if its settings are cells of the run; otherwise with the run's first cell and its last. */
function first() {
  const [story] = given.stories;
  if (story) tell(story, places.stories.firstElementChild);
  cells?.show(cells.cellOf(sliders.values.a, randomWords.a) ?? 0);
  if (story && (!cells || ["a", "b"].every((setting) => cells.cellOf(sliders.values[setting], randomWords[setting]) !== null))) return;
  if (!cells) return void ["a", "b"].forEach((setting) => firms.changed(setting));
  chooseCell("a", 0);
  chooseCell("b", run.cells - 1);
}

let begun = false;

/** Start the worker; firms are simulated from now on. */
function begin() {
  if (begun) return;
  begun = true;
  first();
}

places.legend.append(causesLegend(given));
places.same.addEventListener("click", () => { randomWords.b = randomWords.a; sliders.copy("a", "b"); });
places.reset.addEventListener("click", () => { randomWords.a = randomWords.b = "0"; sliders.set("a"); sliders.set("b"); });
new ResizeObserver(() => { if (places.survival.clientWidth && firms.a.known && firms.b.known) draw(!firms.running); }).observe(places.survival);

// in a report: shown by this script, and cells that a reader has pinned are opened here
const section = root.closest("section[hidden]");
if (section) {
  section.hidden = false;
  for (const link of document.querySelectorAll(`a[href="#${section.id}"]`)) link.parentElement.hidden = false;
}
document.addEventListener("firmfate:cells", ({ detail }) => {
  begun = true;
  for (const setting of ["a", "b"]) chooseCell(setting, detail[setting]);
  cells.show(detail.b);
  (section ?? root).scrollIntoView();
  places.words.focus({ preventScroll: true });
});
/** The reader's machine has nothing to do until the laboratory comes near. */
function watch() {
  new IntersectionObserver((entries) => { if (entries.some(({ isIntersecting }) => isIntersecting)) begin(); }, { rootMargin: "400px" }).observe(root);
}
const explored = document.getElementById("explore");
if (explored && !explored.dataset.state) document.addEventListener("firmfate:explored", watch, { once: true }); // it takes room above
else watch();

// for a browser's console, and for tests
globalThis.laboratory = { given, firms, stepper, sliders, oneFirm, cells, words: randomWords, chooseCell, begin };
