// Estimates as text: as many digits as their standard errors support, and never without them.

/** Decimals that a standard error supports: its first digit, two where that is 1. */
export function decimals(se, fallback = 2) {
  if (!(Number.isFinite(se) && se > 0)) return fallback;
  const [digit, exponent] = se.toExponential(0).split("e").map(Number);
  return Math.max(0, -exponent + (digit === 1 ? 1 : 0));
}

/** "4.38 ± 0.06"; limits in brackets where there is no standard error; "–" without an estimate. */
export function formatted({ estimate, se, lower = NaN, upper = NaN }, { signed = false } = {}) {
  if (!Number.isFinite(estimate)) return "–";
  const known = Number.isFinite(se) && se > 0;
  const limited = Number.isFinite(lower) && Number.isFinite(upper);
  const digits = Math.min(20, decimals(known || !limited ? se : (upper - lower) / 2));
  const text = fixed(estimate, digits, signed);
  if (known) return `${text} ± ${se.toFixed(digits)}`;
  return limited ? `${text} [${fixed(lower, digits)} to ${fixed(upper, digits)}]` : `${text} ± ?`;
}

/** An estimate in another unit. */
export function scaled({ estimate, se, lower, upper }, factor) {
  return { estimate: estimate * factor, se: se * factor, lower: lower * factor, upper: upper * factor };
}

/** Weeks in years. */
export function years(weeks) {
  return String(Number((weeks / 52).toPrecision(4)));
}

function fixed(value, digits, signed = false) {
  const text = value.toFixed(digits).replace(/^-(?=0*\.?0*$)/, "").replace("-", "−");
  return `${signed && value > 0 && /[1-9]/.test(text) ? "+" : ""}${text}`;
}
