// Counts and texts from the page's data, as `packing.py` has written them.

/** Integers (cells, ...), in one array with their shape. */
export async function unpacked({ shape, bytes, data }) {
  const planes = await inflated(data);
  const count = shape.reduce((product, size) => product * size, 1);
  const [cells] = shape;
  const inner = cells ? count / cells : 0;
  const values = new Float64Array(count); // integers below 2^53 are exact
  for (let k = 0; k < inner; k++) {
    let sum = 0;
    for (let cell = 0; cell < cells; cell++) {
      let zigzag = 0;
      for (let plane = bytes - 1; plane >= 0; plane--) zigzag = zigzag * 256 + planes[plane * count + k * cells + cell];
      sum += zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
      values[cell * inner + k] = sum;
    }
  }
  return { shape, values };
}

/** What JSON held. */
export async function unpackedTexts(data) {
  return JSON.parse(new TextDecoder().decode(await inflated(data)));
}

async function inflated(data) {
  const packed = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
