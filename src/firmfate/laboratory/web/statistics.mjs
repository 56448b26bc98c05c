// Estimates from the records of firms, with their Monte Carlo errors. No firm is censored before the horizon.

export const INVALID = 255;
export const LIMITS = 1.96; // standard errors

/**
 * Mean of integers f(i), i below n, in units of `scale`, with its standard error; that is 0 where no firm differs from
 * another, and only there, and 95 % limits of a mean from `low` to `high`, as integers, say what is not known.
 */
export function mean(n, f, scale, [low, high]) {
  let sum = 0; // of integers, so that it is exact
  for (let i = 0; i < n; i++) sum += f(i);
  const centre = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (f(i) - centre) ** 2;
  const se = n > 1 ? Math.sqrt(squares / (n - 1) / n) : NaN;
  const unseen = LIMITS ** 2 / (n + LIMITS ** 2); // Wilson's upper limit of a share that is 0 of n
  const limit = (end) => scale * (centre + unseen * (end - centre));
  return { estimate: scale * centre, se: scale * se, lower: limit(low), upper: limit(high) };
}

/** Share of firms alive after each of `points` + 1 equally spaced steps from 0 to the horizon, with standard errors. */
export function survival(firms, n, steps, points = 160) {
  const events = new Int32Array(steps + 1);
  for (let i = 0; i < n; i++) if (firms.cause[i]) events[firms.eventStep[i]]++;
  const curve = [];
  let alive = n;
  for (let point = 0, step = 0; point <= points; point++) {
    const until = Math.round((point * steps) / points);
    while (step < until) alive -= events[++step];
    const share = alive / n;
    curve.push({ step: until, estimate: share, se: Math.sqrt((share * (1 - share)) / n) });
  }
  return curve;
}

/**
 * What is compared of two settings: each a quantity of both, and their difference with its paired standard error.
 * Firm i of both meets the same random numbers, so the error is that of the mean of the differences.
 */
export function comparison(a, b, n, { steps, dt, causes, alarm }) {
  const years = (dt * 1) / 52;
  const quantity = (name, unit, f, scale = 100, most = 1) => ({
    name, unit, a: mean(n, (i) => f(a, i), scale, [0, most]), b: mean(n, (i) => f(b, i), scale, [0, most]),
    difference: mean(n, (i) => f(b, i) - f(a, i), scale, [-most, most]),
  });
  const rows = [
    quantity(`mean lifetime within ${short(steps * years)} years`, "years", (firms, i) => firms.eventStep[i], years, steps),
    quantity(`alive after ${short(steps * years)} years`, "%", (firms, i) => (firms.cause[i] ? 0 : 1)),
    ...causes.map((cause, k) => quantity(cause, "%", (firms, i) => (firms.cause[i] === k + 1 ? 1 : 0))),
  ];
  if (alarm) rows.push(quantity("alarm before the event", "%", (firms, i) => (firms.alarmStep[i] ? 1 : 0)));
  return rows;
}

/** How many firms have arithmetic that failed. */
export function invalid(firms, n) {
  let count = 0;
  for (let i = 0; i < n; i++) if (firms.cause[i] === INVALID) count++;
  return count;
}

/** A number in at most four significant digits. */
export function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "–";
}

/** Decimals that show an error in two digits, as the report does; 0 to 6. */
export function decimals(se) {
  return se > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(se)))) : 2;
}

/**
 * An estimate and its standard error as text, or its limits where that is 0; the minus sign is a minus sign.
 * In a sentence `called` names the error: "standard error".
 */
export function withError({ estimate, se, lower, upper }, { signed = false, called = "" } = {}) {
  const digits = decimals(se === 0 ? upper - lower : se);
  const text = (value) => value.toFixed(digits).replace(/^-(?=0*\.?0*$)/, "").replace("-", "−");
  const error = se === 0
    ? `[${called && "95 % limits "}${text(lower)} to ${text(upper)}]`
    : `(${called && `${called} `}${se.toFixed(digits)})`;
  return `${signed && estimate > 0 ? "+" : ""}${text(estimate)} ${error}`;
}
