// Small pictures in SVG: lines over an axis of years, and bars of shares. Sizes are pixels of the screen.

const SVG = "http://www.w3.org/2000/svg";

/** An element, with attributes and children: of HTML, or of SVG where `svg` is called. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children); // strings become text, never markup
  return made;
}

/** Round values between low and high, about `count` of them. */
export function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/**
 * Lines over x from 0 to `right`.
 *
 * @param {Array<{name: string, points: Array<[number, number]>, band: ?Array<[number, number, number]>}>} lines
 *   `name` is the CSS class, "a" or "b". Bands are x, low, high.
 * @param {{width: number, height: number, right: number, low: number, high: number, label: (y: number) => string,
 *   unit: string, at: ?number, marks: Array<{x: number, name: string}>}} options  `at` draws a vertical line.
 */
export function linesPicture(lines, { width, height, right, low, high, label, unit, at = null, marks = [] }) {
  const [left, top, bottom, end] = [44, 10, 34, 12];
  const x = (value) => left + (value / right) * (width - left - end);
  const y = (value) => height - bottom - ((value - low) / (high - low || 1)) * (height - bottom - top);
  const path = (points) => points.map(([u, v], i) => `${i ? "L" : "M"}${x(u).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const value of ticks(low, high, Math.max(2, height / 60))) {
    picture.append(svg("line", { class: "grid", x1: left, x2: width - end, y1: y(value), y2: y(value) }));
    picture.append(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, label(value)));
  }
  for (const value of ticks(0, right, Math.min(10, width / 80))) {
    picture.append(svg("text", { x: x(value), y: height - bottom + 16, "text-anchor": "middle" }, String(value)));
  }
  picture.append(svg("line", { class: "axis", x1: left, x2: width - end, y1: height - bottom, y2: height - bottom }));
  picture.append(svg("text", { x: width - end, y: height - 3, "text-anchor": "end" }, unit));
  for (const { name, band } of lines) {
    if (!band?.length) continue;
    const outline = [...band.map(([u, v]) => [u, v]), ...band.toReversed().map(([u, , v]) => [u, v])];
    picture.append(svg("path", { class: `band ${name}`, d: `${path(outline)}Z` }));
  }
  for (const { name, points } of lines) {
    if (points.length) picture.append(svg("path", { class: `line ${name}`, d: path(points) }));
  }
  for (const mark of marks) picture.append(svg("line", { class: `mark ${mark.name}`, x1: x(mark.x), x2: x(mark.x), y1: top, y2: height - bottom }));
  if (at !== null) picture.append(svg("line", { class: "at", x1: x(at), x2: x(at), y1: top, y2: height - bottom }));
  return picture;
}

/** Shares that add up to 100 as one bar a setting, in the order given; the last are the firms alive. */
export function barsPicture(rows, width) {
  const [left, high, gap] = [22, 26, 8];
  const height = rows.length * (high + gap);
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  rows.forEach(({ name, shares }, row) => {
    const y = row * (high + gap);
    picture.append(svg("text", { class: "letter", x: 0, y: y + high / 2 + 5 }, name.toUpperCase()));
    let at = left;
    shares.forEach((share, k) => {
      const wide = (share / 100) * (width - left);
      picture.append(svg("rect", { class: `share ${k < shares.length - 1 ? `share-${k % 6}` : "alive"}`, x: at, y, width: Math.max(0, wide - 1), height: high }));
      at += wide;
    });
  });
  return picture;
}
