// The marginal effect of an axis where cells are scattered: means over cells in bins of the axis.

const MOST_BINS = 10;
const LEAST_CELLS = 8; // in a bin, on average

/**
 * Mean lifetimes over the cells in each of up to ten bins of about equal number; equal values are in one bin.
 *
 * The standard error joins that of the cells, as if they had been drawn at random, with that of their firms, from leaving
 * the same batch out of all of them.
 *
 * @param {number[]} numbers  Value of the axis in each cell.
 * @param {Estimates} estimates
 * @param {number} horizon
 * @returns {Array<{from: number, to: number, x: number, cells: number, estimate: number, se: number}>}
 */
export function binnedMeans(numbers, estimates, horizon) {
  const known = numbers.map((value, cell) => ({ value, cell })).filter(({ cell }) => estimates.firms(cell) > 0);
  known.sort((p, q) => p.value - q.value || p.cell - q.cell);
  const bins = Math.min(MOST_BINS, Math.floor(known.length / LEAST_CELLS));
  if (bins < 2) return [];
  const members = Array.from({ length: bins }, () => []);
  let first = 0;
  known.forEach((one, rank) => {
    if (one.value !== known[first].value) first = rank;
    members[Math.floor((first * bins) / known.length)].push(one);
  });
  return members.filter(({ length }) => length > 1).map((bin) => {
    const cells = bin.map(({ cell }) => cell);
    const lifetimes = cells.map((cell) => estimates.lifetime(cell, horizon).estimate);
    const estimate = mean(lifetimes);
    const between = lifetimes.reduce((sum, value) => sum + (value - estimate) ** 2, 0) / (cells.length - 1) / cells.length;
    return {
      from: bin[0].value, to: bin.at(-1).value, x: mean(bin.map(({ value }) => value)), cells: cells.length,
      estimate, se: Math.hypot(Math.sqrt(between), errorOfFirms(cells, estimates, horizon)),
    };
  });
}

/** Jackknife standard error of the mean over cells, from batches of firms; NaN where batches are not counted. */
function errorOfFirms(cells, estimates, horizon) {
  if (!estimates.counts.batchLived || estimates.counted(horizon) < 0 || !cells.every((cell) => estimates.paired(cells[0], cell))) return NaN;
  const without = estimates.used.map((batch) => mean(cells.map((cell) => estimates.lifetimeWithout(cell, batch, horizon))));
  return estimates.jackknifed(mean(without), without).se;
}

function mean(values) { return values.reduce((sum, value) => sum + value, 0) / values.length; }
