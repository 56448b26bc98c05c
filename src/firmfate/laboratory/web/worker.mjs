// Steps firms beside the page, so that sliders keep moving. It is joined to `firms.mjs`, which has `load`.
import { load } from "./firms.mjs";

let firms = null;
let drawn = null; // what the first firms of a run have drawn: fields, and values (firm, field)

self.onmessage = async ({ data }) => {
  try {
    if (data.modules) {
      firms = await load(...data.modules);
      drawn = data.drawn;
      self.postMessage({ id: data.id, done: firms.about });
      return;
    }
    const begin = performance.now();
    const run = stepped(data);
    self.postMessage({ id: data.id, done: { ...run, milliseconds: performance.now() - begin } });
  } catch (error) {
    self.postMessage({ id: data.id, failed: error.message });
  }
};

/** Firms of a setting; parameters that are null are those that each firm has drawn. */
function stepped({ parameters, key, cell, first, count, steps, dt, stocks }) {
  const step = (values, from, many) => firms.run(values, BigInt(key), BigInt(from), steps, { count: many, cell: BigInt(cell), dt, stocks });
  const own = Object.keys(parameters).filter((name) => parameters[name] === null);
  if (!own.length) return step(parameters, first, count);
  const columns = own.map((name) => drawn.fields.indexOf(name));
  const size = drawn.fields.length;
  const values = { ...parameters };
  const found = [];
  for (let firm = Number(first); firm < Number(first) + count; firm++) {
    if ((firm + 1) * size > drawn.values.length) throw new RangeError(`what firm ${firm} has drawn is not in this page`);
    own.forEach((name, k) => { values[name] = drawn.values[firm * size + columns[k]]; });
    found.push(step(values, firm, 1));
  }
  return joined(found);
}

function joined(found) {
  if (found.length === 1) return found[0];
  const each = (Type, of) => Type.from(found, (one) => of(one)[0]);
  return {
    eventStep: each(Int32Array, (one) => one.eventStep),
    cause: each(Uint8Array, (one) => one.cause),
    alarmStep: each(Int32Array, (one) => one.alarmStep),
    marks: Object.fromEntries(Object.keys(found[0].marks).map((name) => [name, each(Uint8Array, (one) => one.marks[name])])),
    stocks: found[0].stocks && Float64Array.from(found.flatMap(({ stocks }) => [...stocks])),
  };
}
