// Runs the WebAssembly module of a model that firmfate has written (`firmfate.targets.wasm`), in node or in a browser.

const PAGE = 65536;

/**
 * Load a model: the first of its modules that this engine knows, and whose multiply-add it rounds once.
 *
 * @param {...BufferSource} modules  The fast one first: of `wasm(model, relaxed=True)`, of `wasm(model)`.
 * @returns {Promise<Firms>}
 */
export async function load(...modules) {
  for (const bytes of modules) {
    if (!WebAssembly.validate(bytes)) continue;
    const module = await WebAssembly.compile(bytes);
    const instance = await WebAssembly.instantiate(module);
    if (!roundsOnce(instance.exports.firmfate_fused)) continue;
    const [section] = WebAssembly.Module.customSections(module, "firmfate");
    return new Firms(instance, JSON.parse(new TextDecoder().decode(section)));
  }
  throw new Error("no module that this engine runs to the right bits");
}

/** Whether a b + c is rounded once: (1 + e) (1 - e) - 1 is -e e, and 0 where the product is rounded first. */
function roundsOnce(fused) {
  const e = 2 ** -52;
  return fused(1 + e, 1 - e, -1) === -e * e && fused(1 + e, 1 + e, -1 - 2 * e) === e * e;
}

/** A model's firms; `about` names its parameters (with their defaults), stocks, causes and marks. */
class Firms {
  constructor(instance, about) {
    this.about = about;
    this.names = Object.keys(about.parameters);
    this.exports = instance.exports;
  }

  /**
   * Step firms with the same parameters to their ends or the horizon.
   *
   * @param {Object<string, number>} parameters  By name; defaults stand for those that are not given.
   * @param {bigint|number} key  Key of all random numbers.
   * @param {bigint|number} replicate  The first firm.
   * @param {number} steps  The horizon.
   * @param {{count?: number, cell?: bigint|number, dt?: number, stocks?: "none"|"last"|"path"}} [options]
   *   How many firms; what tells the random numbers of cells apart, 0 where they are common; weeks a step; which stocks
   *   to return: none, those at the start of a firm's last step, or those at the start of each.
   * @returns {{eventStep: Int32Array, cause: Uint8Array, alarmStep: Int32Array, marks: Object<string, Uint8Array>,
   *   stocks: ?Float64Array}}
   *   One entry a firm. Cause 0 is none by the horizon, i the i-th of `about.causes`, 255 arithmetic that failed. Stocks
   *   are (firm, stock), or (firm, step, stock) with NaN after a firm's end.
   */
  run(parameters, key, replicate, steps, { count = 1, cell = 0n, dt = 1, stocks = "none" } = {}) {
    for (const name of Object.keys(parameters)) {
      if (!(name in this.about.parameters)) throw new RangeError(`'${name}' is no parameter of ${this.about.model}`);
    }
    const size = this.about.stocks.length;
    const kept = { none: 0, last: count * size, path: count * steps * size }[stocks];
    if (kept === undefined) throw new RangeError(`stocks = '${stocks}'; allowed: none, last, path`);
    const memory = new Memory(this.exports);
    const row = memory.array(Float64Array, this.names.length);
    const path = memory.array(Float64Array, kept);
    const eventStep = memory.array(Int32Array, count);
    const alarmStep = memory.array(Int32Array, count);
    const cause = memory.array(Uint8Array, count);
    const marks = memory.array(Uint8Array, count * this.about.marks.length);
    memory.reserve();
    row().set(this.names.map((name) => parameters[name] ?? this.about.parameters[name]));
    path().fill(NaN);
    this.exports.firmfate_run(
      row.at, BigInt(key), BigInt(cell), BigInt(replicate), count, steps, dt, eventStep.at, cause.at, alarmStep.at,
      marks.at, stocks === "last" ? path.at : 0, stocks === "path" ? path.at : 0,
    );
    const bytes = marks();
    const named = this.about.marks.map((name, i) => [name, bytes.slice(i * count, (i + 1) * count)]);
    return {
      eventStep: eventStep().slice(), cause: cause().slice(), alarmStep: alarmStep().slice(),
      marks: Object.fromEntries(named), stocks: kept ? path().slice() : null,
    };
  }
}

/** Arrays in a module's free memory, one after the other. */
class Memory {
  constructor({ memory, __heap_base }) {
    this.memory = memory;
    this.end = __heap_base.value;
  }

  array(Type, length) {
    const at = Math.ceil(this.end / 8) * 8;
    this.end = at + length * Type.BYTES_PER_ELEMENT;
    return Object.assign(() => new Type(this.memory.buffer, at, length), { at });
  }

  reserve() {
    const missing = this.end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
  }
}
