import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { readArrayFile } from "../../../dist/src/checkpoint/array-file.js";
import { DTYPE_BITS } from "../../../dist/src/formats/tensor-info.js";
import {
  call,
  floats,
  global,
  npy,
  raw,
  storage,
  tensor,
  torchLegacy,
  torchZip,
  tuple,
  zipOf,
} from "../../../tests/support/torch-file.mjs";
import { changedBytes } from "../bytes.mjs";
import { must } from "../invariant.mjs";

const NAMES = ["a.pt", "a.bin", "a.npz", "a.npy", "a", "__proto__.ckpt"];
const TYPES = ["Float", "Half", "BFloat16", "Double", "Long", "Byte", "Bool", "ComplexDouble", "Nothing"];
const KEYS = ["w", "b", "", "__proto__", "state_dict", "model", "ema", "optimizer", "_parameters", "_modules", "a.b"];
const CALLS = [
  "os system",
  "builtins eval",
  "builtins getattr",
  "collections OrderedDict",
  "torch._utils _rebuild_tensor_v3",
  "torch._tensor _rebuild_from_type_v2",
  "__torch__.N N",
  "net Net",
];
/** No file of a few kilobytes gives out more than this. */
const MAX_BYTES = 64 << 20;

function value(random, depth) {
  if (depth === 0 || random.chance(0.3)) {
    return random.pick([
      null,
      true,
      3,
      -1,
      2 ** 40,
      0.5,
      "x",
      new Uint8Array(2),
      raw(String.fromCharCode(random.below(256))),
    ]);
  }
  const inner = () => value(random, depth - 1);
  const kind = random.below(6);
  if (kind === 0) return Array.from({ length: random.below(4) }, inner);
  if (kind === 1) return tuple(...Array.from({ length: random.below(4) }, inner));
  if (kind === 2) return new Map(Array.from({ length: random.below(4) }, () => [random.pick(KEYS), inner()]));
  if (kind === 3)
    return call(
      global(...random.pick(CALLS).split(" ")),
      random.chance(0.8) ? tuple(inner(), inner()) : inner(),
      random.chance(0.3) ? inner() : undefined,
    );
  return drawnTensor(random);
}

function drawnTensor(random) {
  const size = () => (random.chance(0.9) ? random.below(4) : random.pick([2 ** 31 - 1, 2 ** 52, -1, 65]));
  const shape = Array.from({ length: random.below(4) }, size);
  const of = storage(
    random.pick(["0", "1", "9"]),
    random.chance(0.9) ? 12 : size(),
    random.chance(0.7) ? "Float" : random.pick(TYPES),
  );
  return tensor(of, shape, random.chance(0.5) ? {} : { offset: size(), strides: shape.map(size) });
}

function file(random) {
  const weights = new Map(
    Array.from({ length: 1 + random.below(3) }, () => [
      random.pick(KEYS),
      random.chance(0.6) ? drawnTensor(random) : value(random, 3),
    ]),
  );
  const data = floats(Array.from({ length: 12 }, (_, i) => i));
  const kind = random.below(5);
  if (kind === 0) return torchLegacy(weights, { 0: data, 1: data }, { protocol: random.pick([2, 3, 4]) });
  const array = npy(random.pick(["<f4", ">f4", "<f2", "|O", "<i8"]), random.pick([[12], [3, 4], [0], []]), data, {
    fortran: random.chance(0.3),
  });
  if (kind === 1) return array;
  if (kind === 2)
    return zipOf([
      { name: "w.npy", data: array },
      { name: random.pick(["w.npy", "../v.npy"]), data: array },
    ]);
  return torchZip(weights, { 0: data, 1: data }, { order: random.pick(["little", "big", null]) });
}

/** Files of PyTorch and NumPy: what is accepted lies within the file and can be read, and nothing is ever run. */
export const target = {
  name: "arrays",
  extension: "bin",
  make(random) {
    const whole = file(random);
    const content = random.chance(0.5) ? whole : changedBytes(random, whole, file(random));
    return Buffer.concat([Buffer.from([random.below(NAMES.length)]), content]);
  },
  async check(bytes) {
    const content = bytes.subarray(1);
    const read = await readArrayFile(memorySource(content, "a"), NAMES[(bytes[0] ?? 0) % NAMES.length]);
    if (read === null) return;
    const names = new Set();
    let total = 0;
    for (const { name, dtype, shape, begin, end } of read.tensors) {
      must(!names.has(name), "a name stands twice");
      names.add(name);
      must(begin <= end && end <= read.source.size, "a tensor lies outside of the file");
      const elements = shape.reduce((a, b) => a * b, 1);
      must(elements * DTYPE_BITS[dtype] === 8 * (end - begin), "a tensor is not as long as its shape says");
      total += end - begin;
    }
    must(total <= MAX_BYTES + 512 * content.length, "the tensors are far larger than the file");
    for (const { begin, end } of read.tensors) {
      must((await read.source.read(begin, end)).length === end - begin, "a tensor cannot be read");
    }
  },
};
