// One firm in both settings: its stocks over time, its event and its alarm; a week that one moves through.
import { element, linesPicture } from "./drawing.mjs";
import { short } from "./statistics.mjs";

const spaced = (name) => name.replaceAll("_", " ").replace(/\bkpi/g, "KPI");

/**
 * The panel of one firm. `ask` steps it: (setting, replicate) -> Promise of a run with its path. `known` is how many firms
 * can be: those whose draws are in the page; all where it is infinite.
 */
export class OneFirm {
  constructor(places, given, ask, known) {
    Object.assign(this, { places, given, ask, known, runs: null, version: 0, at: 0, timer: 0 });
    this.fields = given.stocks.flatMap((stock) => stock.fields.map((field) => ({ ...stock, field })));
    this.names = this.fields.map(({ field }) => field);
    places.replicate.addEventListener("change", () => this.update());
    places.week.setAttribute("max", given.steps - 1);
    places.week.addEventListener("input", () => { this.at = places.week.valueAsNumber; this.draw(); });
    places.play.addEventListener("click", () => this.play());
  }

  async update() {
    const version = ++this.version;
    const number = this.places.replicate.value.trim();
    const known = this.known();
    const valid = /^\d{1,18}$/.test(number) && Number(number) < known;
    this.places.replicate.setCustomValidity(valid ? "" : `allowed: an integer from 0${known < Infinity ? ` to ${known - 1}, whose draws are in this page` : ""}`);
    if (!valid) return void this.places.replicate.reportValidity();
    const runs = { a: await this.ask("a", number), b: await this.ask("b", number) };
    if (version !== this.version) return; // values or firm have changed meanwhile
    this.runs = runs;
    this.places.summary.replaceChildren(...["a", "b"].map((setting) => this.sentence(setting, number)));
    this.draw();
  }

  sentence(setting, number) {
    const { eventStep: [step], cause: [cause], alarmStep: [alarm], marks } = this.runs[setting];
    const { dt, causes, steps } = this.given;
    const fate = cause === 0 ? `alive after ${short((steps * dt) / 52)} years`
      : cause === 255 ? "its arithmetic has failed" : `${causes[cause - 1].name.replaceAll("_", " ")} in week ${short(step * dt)}`;
    const found = Object.entries(marks).map(([name, values]) => `, ${spaced(name)} ${values[0]}`).join("");
    const warned = !this.given.alarm ? "" : alarm ? `; alarm in week ${short(alarm * dt)}${found}` : "; no alarm";
    return element("li", { class: setting }, element("b", {}, setting.toUpperCase()), `: firm ${number}: ${fate}${warned}`);
  }

  /** A small picture for every stock, up to the chosen week where one is chosen. */
  draw() {
    if (!this.runs) return;
    const { steps, dt } = this.given;
    const size = this.fields.length;
    const room = this.places.stocks.clientWidth;
    const least = this.fields.length < 4 ? 420 : 157; // pixels: few stocks have large pictures
    this.places.stocks.style.setProperty("--least", `${least}px`);
    const width = Math.min(least * 1.45, Math.floor(room / Math.max(1, Math.floor((room + 14) / (least + 14)))) - 14);
    const longest = Math.max(this.runs.a.eventStep[0], this.runs.b.eventStep[0]);
    const at = Math.min(this.at, longest - 1);
    const panels = this.fields.map(({ field, unit, meaning }, k) => {
      const lines = ["a", "b"].map((name) => {
        const { stocks, eventStep: [end] } = this.runs[name];
        const every = Math.max(1, Math.floor(end / 300));
        const points = [];
        for (let step = 0; step < end; step += every) points.push([(step * dt) / 52, stocks[step * size + k]]);
        return { name, points };
      });
      const heights = lines.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
      const [low, high] = [Math.min(...heights), Math.max(...heights)];
      const now = ["a", "b"].map((name) => {
        const { stocks, eventStep: [end] } = this.runs[name];
        return at < end ? short(stocks[at * size + k]) : `last ${short(stocks[(end - 1) * size + k])}`;
      });
      const marks = ["a", "b"].filter((name) => this.runs[name].alarmStep[0])
        .map((name) => ({ x: ((this.runs[name].alarmStep[0] - 1) * dt) / 52, name }));
      return element("figure", { class: "stock" },
        element("figcaption", {}, element("b", {}, spaced(field)), element("span", { class: "unit" }, ` ${unit}`),
          element("span", { class: "now" }, element("span", { class: "a" }, `A ${now[0]}`), " ", element("span", { class: "b" }, `B ${now[1]}`)),
          element("span", { class: "hidden" }, ` ${meaning}`)),
        linesPicture(lines, {
          width, height: Math.max(110, width * 0.42), right: Math.max((longest * dt) / 52, 0.1), low, high: high > low ? high : low + 1,
          label: short, unit: "", at: (at * dt) / 52, marks,
        }));
    });
    this.places.stocks.replaceChildren(...panels);
    this.places.week.setAttribute("max", longest - 1);
    this.places.week.setAttribute("aria-valuetext", `week ${short(at * dt)}`);
    this.places.now.textContent = `week ${short(at * dt)}`;
  }

  /** Move through the weeks in about ten seconds, or stop; at once to the end where motion is unwelcome. */
  play() {
    if (this.timer) return this.stop();
    if (!this.runs) return;
    const last = Math.max(this.runs.a.eventStep[0], this.runs.b.eventStep[0]) - 1;
    if (this.at >= last) this.at = 0;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.at = last - 1;
    this.places.play.textContent = "Stop";
    this.timer = setInterval(() => {
      this.at = Math.min(last, this.at + Math.max(1, Math.round(last / 100)));
      this.places.week.value = this.at;
      this.draw();
      if (this.at >= last) this.stop();
    }, 100);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.places.play.textContent = "Play";
  }
}
