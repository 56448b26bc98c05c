// Where the effect of execution on the mean lifetime changes its sign, and its derivative, with errors from batches.

/** Of one plane of execution and misalignment: `cellAt(execution, misalignment)` numbers its cells. */
export class Turning {
  constructor(estimates, cellAt) {
    const { poles, axes } = estimates.given;
    Object.assign(this, { estimates, cellAt, poles });
    this.executions = axes[poles.execution].numbers;
    this.misalignments = axes[poles.misalignment].numbers;
    this.weights = gradient(this.executions);
  }

  /** Mean lifetimes (execution, misalignment) of all firms, and without each batch; none of these where too few. */
  lifetimes(horizon) {
    const { estimates, cellAt, executions, misalignments } = this;
    const plane = (value) => executions.map((_, e) => misalignments.map((__, m) => value(cellAt(e, m))));
    const all = plane((cell) => estimates.lifetime(cell, horizon).estimate);
    const same = misalignments.every((_, m) => executions.every((__, e) => this.pairs(cellAt(e, m))));
    const known = estimates.given.batches > 0 && estimates.counts.batchLived && same;
    const without = known
      ? estimates.used.map((batch) => plane((cell) => estimates.lifetimeWithout(cell, batch, horizon))) : [];
    return { all, without };
  }

  pairs(cell) {
    const first = this.cellAt(0, 0);
    return !this.estimates.firms(cell) || !this.estimates.firms(first) || this.estimates.paired(first, cell);
  }

  /** Everything that the map shows at a horizon. */
  at(horizon) {
    const { all, without } = this.lifetimes(horizon);
    const { estimates, misalignments, executions, poles } = this;
    const slopes = (years) => executions.map((_, e) => misalignments.map((__, m) => weighted(this.weights[e], years, m)));
    const slopeOfAll = slopes(all);
    const slopeWithout = without.map(slopes);
    const errors = (of, estimate) => estimates.jackknifed(estimate, without.length ? of : null);
    const slope = slopeOfAll.map((row, e) => row.map((value, m) => errors(slopeWithout.map((one) => one[e][m]), value)));
    const changes = (effect, left) => {
      const estimate = signChange(misalignments, effect, NaN);
      return errors(left.map((one) => signChange(misalignments, one, estimate)), estimate);
    };
    const contour = executions.map((_, e) => changes(slopeOfAll[e], slopeWithout.map((one) => one[e])));
    const effect = (years) => years[poles.strong].map((value, m) => value - years[poles.weak][m]);
    return { slope, contour, turning: changes(effect(all), without.map(effect)) };
  }
}

/** Sum of a column with weights; cells of weight 0 do not take part, known or not. */
function weighted(weights, years, m) {
  return weights.reduce((sum, weight, e) => (weight === 0 ? sum : sum + weight * years[e][m]), 0);
}

/** Weights of derivatives at points of any spacing: central differences of second order, one-sided at the ends. */
export function gradient(x) {
  const last = x.length - 1;
  return x.map((_, i) => {
    const weights = new Array(x.length).fill(0);
    if (i === 0 || i === last) {
      const [a, b] = i === 0 ? [0, 1] : [last - 1, last];
      weights[a] = -1 / (x[b] - x[a]);
      weights[b] = 1 / (x[b] - x[a]);
      return weights;
    }
    const [before, after] = [x[i] - x[i - 1], x[i + 1] - x[i]];
    weights[i - 1] = -after / (before * (before + after));
    weights[i] = (after - before) / (before * after);
    weights[i + 1] = before / (after * (before + after));
    return weights;
  });
}

/**
 * Where y changes its sign along x: linear between points, or the middle of points where it is 0; NaN where it does not.
 * Of several changes the one nearest to `near`, or where that is NaN the one between the largest opposite values.
 */
export function signChange(x, y, near) {
  const known = y.flatMap((value, i) => (Number.isFinite(value) && value !== 0 ? [i] : []));
  const changes = [];
  for (let k = 1; k < known.length; k++) {
    const [before, after] = [known[k - 1], known[k]];
    if (y[before] > 0 === y[after] > 0) continue;
    const zeros = x.slice(before, after).filter((_, i) => y[before + i] === 0);
    const at = zeros.length ? (zeros[0] + zeros.at(-1)) / 2
      : x[before] - (y[before] * (x[after] - x[before])) / (y[after] - y[before]);
    changes.push({ before, after, at });
  }
  if (!changes.length) return NaN;
  const most = (values, sign) => Math.max(...values.filter((value) => Math.sign(value) === sign).map(Math.abs));
  const strength = ({ before, after }) =>
    Math.min(most(y.slice(0, before + 1), Math.sign(y[before])), most(y.slice(after), Math.sign(y[after])));
  const best = (rank) => changes.reduce((found, change) => (rank(change) > rank(found) ? change : found));
  const change = Number.isFinite(near) ? best(({ at }) => -Math.abs(at - near)) : best(strength);
  return y.slice(change.before, change.after).some(Number.isNaN) ? NaN : change.at;
}
