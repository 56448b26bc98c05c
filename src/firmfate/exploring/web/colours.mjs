// Colours of values: those of the report's printed maps (Matplotlib's cividis and RdBu), at nine steps.

const LENGTHS = ["#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838"];
const SIGNS = ["#67001f", "#bb2a34", "#e58368", "#fbceb7", "#f6f7f7", "#c0dceb", "#68abd0", "#2870b1", "#053061"];

/** A function of a value: lengths from low to high, or signs about 0. */
export function scale(low, high, signed = false) {
  const stops = (signed ? SIGNS : LENGTHS).map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
  return (value) => {
    if (!Number.isFinite(value)) return "none";
    const at = Math.min(1, Math.max(0, high > low ? (value - low) / (high - low) : 0.5)) * (stops.length - 1);
    const i = Math.min(stops.length - 2, Math.floor(at));
    const mixed = stops[i].map((part, k) => Math.round(part + (at - i) * (stops[i + 1][k] - part)));
    return `rgb(${mixed.join(" ")})`;
  };
}
