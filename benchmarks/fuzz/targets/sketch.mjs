import { headDirections } from "../../../dist/src/alignment/projection.js";
import { NEURON_WORDS } from "../../../dist/src/alignment/reference.js";
import { parseSketch, serializeSketch } from "../../../dist/src/watermark/resync/sketch-file.js";
import { must } from "../invariant.mjs";
import { changedManifestFile } from "../manifest-file.mjs";

const WIDTH = 6;
const HEAD = 2;

function quantised(rows, cols) {
  return {
    rows,
    cols,
    quanta: Int8Array.from({ length: rows * cols }, (_, i) => i % 100),
    scales: new Float32Array(rows).fill(0.5),
  };
}

const columns = headDirections(WIDTH, HEAD);
const LAYER = {
  layer: 0,
  gains: { attention: new Float32Array(WIDTH).fill(1), feedForward: null },
  matrices: [
    { role: "q", expert: -1, rows: 6, cols: WIDTH },
    { role: "up", expert: -1, rows: 4, cols: WIDTH },
  ],
  keys: quantised(4, columns),
  values: quantised(4, columns),
  queries: null,
  blocks: [{ expert: -1, neurons: 4, gated: true, bits: new Uint32Array(4 * NEURON_WORDS) }],
};
const SKETCH = serializeSketch({
  keyId: "0123456789abcdef",
  release: "2026-01-02",
  heads: { heads: 3, kvHeads: 1, headSize: HEAD },
  symmetries: { keys: { rotaryRows: 2, pairing: "half" }, doubt: null },
  components: [
    {
      component: "language",
      width: WIDTH,
      tokens: { vocabulary: 9, ids: Uint32Array.of(1, 2, 3), hashes: new Uint32Array(6), rows: quantised(3, WIDTH) },
      scales: { attention: new Float32Array(WIDTH).fill(1), feedForward: new Float32Array(WIDTH).fill(2) },
      layers: [LAYER],
    },
  ],
});

/** Sketches: what is accepted is written again as it was read, whatever numbers its manifest says. */
export const target = {
  name: "sketch",
  extension: "bin",
  make: (random) => changedManifestFile(random, SKETCH),
  async check(bytes) {
    const sketch = await parseSketch(bytes, "a.sketch");
    const written = serializeSketch(sketch);
    must(
      Buffer.from(serializeSketch(await parseSketch(written, "again.sketch"))).equals(written),
      "a sketch is written otherwise once it was read",
    );
  },
};
