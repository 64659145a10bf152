import { serializeFingerprint } from "../../dist/src/fingerprint/file.js";
import { sampledRows } from "../../dist/src/fingerprint/sampling.js";
import { hostileText } from "./hostile.mjs";
import { tinyFingerprints } from "./memory-model.mjs";

const ROLES = ["q", "k", "v", "o", "gate", "up", "down", "embedding", "head", "other", "norm"];
const NUMBERS = [0, 1, -1, 3, 0.5, 1e-30, 1e30, -1e30, Number.NaN, Number.POSITIVE_INFINITY];

/** One that is well-formed in every number, of a model that nobody would make: what compares fingerprints has to bear it. */
export async function strangeFingerprint(random) {
  const fingerprint = structuredClone(random.pick(await tinyFingerprints()));
  for (let left = 1 + random.small(8); left > 0; left--) change(random, fingerprint);
  const { sketches, slices } = fingerprint;
  // Slices name sketches by their number, and have to fit them.
  fingerprint.slices = slices.filter(({ sketch, firstRow, height, width }) => {
    const matrix = sketches[sketch];
    return matrix !== undefined && matrix.cols === 32 && width === 32 && firstRow + height <= matrix.rows;
  });
  return serializeFingerprint(fingerprint);
}

function change(random, fingerprint) {
  const { sketches, tensors, slices } = fingerprint;
  const sketch = sketches.length > 0 ? random.pick(sketches) : null;
  switch (random.below(12)) {
    case 0:
      Object.assign(fingerprint, {
        family: hostileText(random)
          .slice(0, 100)
          .replace(/\p{Surrogate}/gu, ""),
        confidence: random.pick([0, 0.5, 1]),
      });
      return;
    case 1:
      fingerprint.parameters = random.pick([0, 1, 2 ** 53 - 1]);
      return;
    case 2:
      if (tensors.length > 0) Object.assign(random.pick(tensors), changedTensor(random));
      return;
    case 3:
      tensors.splice(random.below(tensors.length + 1), random.small(tensors.length + 1));
      return;
    case 4:
      fingerprint.notes = [hostileText(random).replace(/\p{Surrogate}/gu, "")];
      return;
    case 5:
      if (slices.length > 0) random.pick(slices).scale.fill(random.pick([0, -1, 3e38, 1e-45]));
      return;
    default:
      if (sketch !== null) changeSketch(random, sketches, sketch);
  }
}

function changedTensor(random) {
  const { name, dtype, shape, uniform, moments, values, component } = {
    name: hostileText(random).replace(/\p{Surrogate}/gu, ""),
    dtype: random.pick(["F32", "I8", "BOOL", "I64", "U8"]),
    shape: Array.from({ length: random.below(4) }, () => random.pick([0, 1, 32, 2 ** 31, 2 ** 53 - 1])),
    uniform: random.chance(0.5),
    moments: { count: 0, rms: null, kurtosis: null, absMax: null, zeroFraction: 1, nonFinite: 2 ** 40 },
    values: null,
    component: "other",
  };
  return random.pick([
    { name },
    { dtype },
    { shape },
    { uniform },
    { moments },
    { values },
    { component },
    { shape, dtype },
  ]);
}

function changeSketch(random, sketches, sketch) {
  switch (random.below(9)) {
    case 0:
      sketches.splice(sketches.indexOf(sketch), 1);
      return;
    case 1:
      sketches.push({ ...structuredClone(sketch), layer: random.pick([sketch.layer, 1, 2, 2 ** 31]) });
      return;
    case 2:
      Object.assign(sketch, resized(random, sketch));
      return;
    case 3:
      sketch.role = random.chance(0.8)
        ? random.pick(ROLES)
        : hostileText(random)
            .slice(0, 20)
            .replace(/\p{Surrogate}/gu, "");
      return;
    case 4:
      sketch.component = random.pick(["", "a", "__proto__", "\u202e", "vision"]);
      return;
    case 5:
      sketch.bits.fill(random.pick([0, 0xffffffff, 0x55555555]));
      return;
    case 6:
      sketch.valid = sketch.valid.map(() => random.chance(0.2));
      return;
    case 7:
      sketch.moments = {
        ...sketch.moments,
        [random.pick(["rms", "kurtosis", "zeroFraction", "rowNormSpread", "columnOrder", "distinct"])]:
          random.pick(NUMBERS),
        quantiles: random.chance(0.5) ? sketch.moments.quantiles : new Float32Array(17).fill(random.pick(NUMBERS)),
        grid: random.pick([null, "", "a/b", "int8 32"]),
      };
      return;
    default:
      Object.assign(
        sketch,
        random.pick([
          { layer: -1 },
          { layer: 2 ** 31 },
          { expert: 5 },
          { axis: null },
          { axis: "channels" },
          { given: true },
          { twin: true },
          { block: 1 },
          { block: 7 },
        ]),
      );
  }
}

/** Another size, with as many bits as belong to it. */
function resized(random, sketch) {
  const size = {
    rows: random.pick([1, 2, 31, 64, 1000]),
    cols: random.pick([1, 2, 31, 33, 64, 256]),
    tokens: random.chance(0.2),
  };
  const sampled = sampledRows({ ...sketch, ...size });
  const words = Math.ceil(size.cols / 32);
  const bits = Uint32Array.from({ length: sampled.length * words }, () => random.below(2 ** 32));
  return { ...size, block: size.cols, sampled, valid: sampled.map(() => true), bits };
}
