// Estimates of cells and of their differences, from counts. No firm is censored before the horizon.

const Z = 1.959963984540054; // of 95 % limits

/** The estimates of a run, by the number of a cell and of a horizon. */
export class Estimates {
  /** @param {object} given  What the page is given.  @param {object} counts  Unpacked, by name. */
  constructor(given, counts) {
    Object.assign(this, { given, counts });
    this.cells = counts.firms.shape[0];
    this.batches = counts.batchFirms?.shape[1] ?? 0;
    this.used = []; // batches that hold firms
    for (let b = 0; b < this.batches; b++) {
      if (this.everyCell((cell) => this.batchFirms(cell, b) > 0)) this.used.push(b);
    }
    this.ended = this.cumulated(counts.events);
  }

  everyCell(holds) {
    for (let cell = 0; cell < this.cells; cell++) if (this.firms(cell) && !holds(cell)) return false;
    return true;
  }

  firms(cell) { return this.counts.firms.values[cell]; }

  batchFirms(cell, batch) { return this.counts.batchFirms.values[cell * this.batches + batch]; }

  /** Events up to each point of the curve, (cells, causes, points). */
  cumulated({ shape, values }) {
    const sums = Float64Array.from(values);
    const points = shape[2];
    for (let i = 0; i < sums.length; i++) if (i % points) sums[i] += sums[i - 1];
    return sums;
  }

  /** Events of a cause in a cell by a point of the curve; of all causes where it is null. */
  endedBy(cell, cause, point) {
    const [, causes, points] = this.counts.events.shape;
    if (cause !== null) return this.ended[(cell * causes + cause) * points + point];
    let sum = 0;
    for (let k = 0; k < causes; k++) sum += this.ended[(cell * causes + k) * points + point];
    return sum;
  }

  pointOf(horizon) { return this.given.curve.indexOf(this.given.horizons[horizon]); }

  /** Mean lifetime within the horizon, in years, with Greenwood's standard error. */
  lifetime(cell, horizon) {
    const n = this.firms(cell);
    const tau = this.given.horizons[horizon];
    const at = cell * this.given.horizons.length + horizon;
    const mean = this.counts.lived.values[at] / n;
    const variance = Math.max(0, this.counts.squares.values[at] / n - mean * mean) / n;
    const [lower, upper] = wilson(mean / tau, n).map((share) => (share * tau) / 52);
    return { estimate: mean / 52, se: Math.sqrt(variance) / 52, lower, upper };
  }

  /** Share of firms alive at a point of the curve. */
  alive(cell, point) { return this.share(cell, this.firms(cell) - this.endedBy(cell, null, point)); }

  /** Share of firms with an event of the cause by a point of the curve. */
  incidence(cell, cause, point) { return this.share(cell, this.endedBy(cell, cause, point)); }

  share(cell, count) {
    const n = this.firms(cell);
    const estimate = count / n;
    const [lower, upper] = wilson(estimate, n);
    return { estimate, se: Math.sqrt((estimate * (1 - estimate)) / n), lower, upper };
  }

  /** Whether the batches of two cells pair: they hold the same firms, or the first replicates each. */
  paired(a, b) {
    const same = this.used.every((batch) => this.batchFirms(a, batch) === this.batchFirms(b, batch));
    return this.given.batches > 0 && (same || (this.holdsFirst(a) && this.holdsFirst(b)));
  }

  /** Whether a cell holds its first replicates, which are dealt to the batches in turn. */
  holdsFirst(cell) {
    const n = this.firms(cell);
    for (let b = 0; b < this.batches; b++) {
      if (this.batchFirms(cell, b) !== Math.floor(n / this.batches) + (b < n % this.batches)) return false;
    }
    return true;
  }

  /** Mean lifetime in years without the firms of a batch. */
  lifetimeWithout(cell, batch, horizon) {
    const { batchLived: { values }, lived } = this.counts;
    const size = this.given.horizons.length;
    const at = cell * this.batches * size + horizon;
    this.livedOf ??= new Float64Array(lived.values.length).fill(NaN);
    const place = cell * size + horizon;
    if (Number.isNaN(this.livedOf[place])) {
      this.livedOf[place] = 0;
      for (let b = 0; b < this.batches; b++) this.livedOf[place] += values[at + b * size];
    }
    const left = this.firms(cell) - this.batchFirms(cell, batch);
    return (this.livedOf[place] - values[at + batch * size]) / left / this.given.stepsPerWeek / 52;
  }

  /** Share of firms with an event of a cause, or of any where it is null, without the firms of a batch. */
  incidenceWithout(cell, cause, batch, horizon) {
    const { shape: [, batches, causes, horizons], values } = this.counts.batchEnded;
    let ended = this.endedBy(cell, cause, this.pointOf(horizon));
    for (let k = 0; k < causes; k++) {
      if (cause === null || cause === k) ended -= values[((cell * batches + batch) * causes + k) * horizons + horizon];
    }
    return ended / (this.firms(cell) - this.batchFirms(cell, batch));
  }

  /** What is compared of two cells: B less A, by leaving the same batch out of both. */
  difference(a, b, { of, without }) {
    const estimate = of(b).estimate - of(a).estimate;
    const known = without && this.paired(a, b);
    return this.jackknifed(estimate, known ? this.used.map((batch) => without(b, batch) - without(a, batch)) : null);
  }

  /** An estimate with the jackknife's standard error and Student's limits, from its values without each batch. */
  jackknifed(estimate, values) {
    if (!values || values.length < 2) return { estimate, se: NaN, lower: NaN, upper: NaN };
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const se = Math.sqrt((squares * (values.length - 1)) / values.length);
    const half = se > 0 ? this.given.quantile * se : NaN;
    return { estimate, se, lower: estimate - half, upper: estimate + half };
  }

  /** The quantities of a table at a horizon: each with `of` a cell, and `without` a batch where batches count it. */
  quantities(horizon) {
    const { causes } = this.given;
    const point = this.pointOf(horizon);
    const ended = this.counts.batchEnded;
    return [
      { name: "mean lifetime", unit: "years", factor: 1, of: (cell) => this.lifetime(cell, horizon),
        without: this.counts.batchLived && ((cell, batch) => this.lifetimeWithout(cell, batch, horizon)) },
      { name: "alive", unit: "%", factor: 100, of: (cell) => this.alive(cell, point),
        without: ended && ((cell, batch) => 1 - this.incidenceWithout(cell, null, batch, horizon)) },
      ...causes.map((name, cause) => ({ name, unit: "%", factor: 100, of: (cell) => this.incidence(cell, cause, point),
        without: ended && ((cell, batch) => this.incidenceWithout(cell, cause, batch, horizon)) })),
    ];
  }
}

/** Wilson's limits of a share of n firms. */
export function wilson(share, n) {
  const per = (Z * Z) / n;
  const centre = share + per / 2;
  const half = Math.sqrt(per * (share * (1 - share) + per / 4));
  return [
    share <= 0 ? share : Math.max((centre - half) / (1 + per), 0),
    share >= 1 ? share : Math.min((centre + half) / (1 + per), 1),
  ];
}
