// Steps firms beside the page, so that sliders keep moving. It is joined to `firms.mjs`, which has `load`.
import { load } from "./firms.mjs";

let firms = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.modules) {
      firms = await load(...data.modules);
      self.postMessage({ id: data.id, done: firms.about });
      return;
    }
    const { parameters, key, cell, first, count, steps, dt, stocks } = data;
    const begin = performance.now();
    const run = firms.run(parameters, BigInt(key), BigInt(first), steps, { count, cell: BigInt(cell), dt, stocks });
    self.postMessage({ id: data.id, done: { ...run, milliseconds: performance.now() - begin } });
  } catch (error) {
    self.postMessage({ id: data.id, failed: error.message });
  }
};
