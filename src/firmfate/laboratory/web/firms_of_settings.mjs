// Keeps the firms of both settings up to date: a worker steps them in pieces, newest values first.

/** Milliseconds that a piece should take: between two pieces, newer values take over. */
const PIECE = 80;

/** A worker made of text, to which one puts questions; it starts with `begin`. */
export class Stepper {
  constructor(text, modules, drawn) {
    Object.assign(this, { text, modules, drawn, ready: null });
  }

  /** Start it; a promise of what the model says of itself. */
  begin() {
    this.ready ??= this.start();
    return this.ready;
  }

  start() {
    const { text, modules, drawn } = this;
    this.worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    this.waiting = new Map();
    this.next = 0;
    this.worker.onmessage = ({ data: { id, done, failed } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (failed === undefined) resolve(done);
      else reject(new Error(failed));
    };
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "the worker cannot be started"));
      this.waiting.clear();
    };
    return this.ask({ modules, drawn });
  }

  ask(question) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...question });
    });
  }
}

/** The firms 0 to `wanted` - 1 of settings A and B, as far as they are known for the present values. */
export class FirmsOfSettings {
  /**
   * @param {Stepper} stepper
   * @param {{a: object, b: object}} values
   * @param {{a: string, b: string}} words  What tells the random numbers of a run's cells apart.
   * @param {{steps: number, dt: number, key: string, wanted: number}} fixed
   * @param {(idle: boolean) => void} drawn  Called when there is something new to draw.
   */
  constructor(stepper, values, words, fixed, drawn) {
    Object.assign(this, { stepper, values, words, fixed, drawn, running: false, failed: null });
    this.versions = { a: 0, b: 0 };
    this.perFirm = 0.2; // milliseconds, measured from the first piece on
    for (const setting of ["a", "b"]) {
      this[setting] = { eventStep: new Int32Array(fixed.wanted), cause: new Uint8Array(fixed.wanted), alarmStep: new Int32Array(fixed.wanted) };
      this[setting].known = 0;
    }
  }

  changed(setting) {
    this.versions[setting]++;
    this[setting].known = 0;
    if (!this.running) this.run();
  }

  async run() {
    this.running = true;
    try {
      await this.stepper.begin();
      for (;;) {
        const setting = this.a.known <= this.b.known ? "a" : "b";
        const firms = this[setting];
        if (firms.known >= this.fixed.wanted) break;
        const { key, steps, dt, wanted } = this.fixed;
        const version = this.versions[setting];
        const count = Math.min(wanted - firms.known, Math.max(20, Math.round(PIECE / this.perFirm)));
        const parameters = { ...this.values[setting] };
        const found = await this.stepper.ask({ parameters, key, cell: this.words[setting], first: firms.known, count, steps, dt, stocks: "none" });
        this.perFirm = 0.5 * this.perFirm + (0.5 * found.milliseconds) / count;
        if (version !== this.versions[setting]) continue; // the values have changed meanwhile
        for (const name of ["eventStep", "cause", "alarmStep"]) firms[name].set(found[name], firms.known);
        firms.known += count;
        if (this.a.known && this.b.known) this.drawn(false);
      }
      this.drawn(true);
    } catch (error) {
      this.failed = error;
      this.drawn(true);
    } finally {
      this.running = false;
    }
  }
}
