import { DTYPE_BITS } from "../../dist/src/formats/tensor-info.js";
import { joined, utf8 } from "./bytes.mjs";
import { hostileText } from "./hostile.mjs";
import { changedTree, textOf, treeOf } from "./json-tree.mjs";

const DTYPES = Object.keys(DTYPE_BITS);
const USUAL = ["F32", "F16", "BF16"];
const ROLES = ["self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj", "input_layernorm"];

/** Names, types and shapes of tensors that a model might have, some of them strange. */
export function someTensors(random) {
  const count = random.small(9);
  return Array.from({ length: count }, (_, i) => {
    const odd = random.chance(0.2);
    const name = odd ? hostileText(random) : `model.layers.${i >> 2}.${random.pick(ROLES)}.weight`;
    const dtype = random.chance(0.3) ? random.pick(DTYPES) : random.pick(USUAL);
    const shape = Array.from({ length: random.below(4) }, () => random.pick([0, 1, 2, 3, 8, 16]));
    return { name, dtype, shape };
  });
}

/**
 * The header's object and the bytes of data that it says. Now and then tensors overlap, or leave a hole, and all else is right.
 */
function headerOf(random, tensors) {
  const header = {};
  const isApart = random.chance(0.15);
  let end = 0;
  if (random.chance(0.5)) header.__metadata__ = { format: "pt", [hostileText(random)]: hostileText(random) };
  for (const { name, dtype, shape } of tensors) {
    const bits = shape.reduce((product, size) => product * size, DTYPE_BITS[dtype]);
    const begin = isApart ? Math.max(0, end + random.below(17) - 8) : end;
    end = begin + Math.ceil(bits / 8);
    Object.defineProperty(header, name, {
      value: { dtype, shape, data_offsets: [begin, end] },
      enumerable: true,
      configurable: true,
    });
  }
  return { header, dataBytes: end };
}

/** A safetensors file that may be wrong in its length, its header or its data. */
export function tensorFile(random) {
  const { header, dataBytes } = headerOf(random, someTensors(random));
  const tree = treeOf(header);
  const text = textOf(random.chance(0.6) ? changedTree(random, tree) : tree) + " ".repeat(random.small(9));
  const data = random.bytes(random.chance(0.1) ? random.small(dataBytes + 9) : dataBytes);
  return withPrefix(random, utf8(text), data);
}

const LENGTHS = [
  0n,
  1n,
  100_000_000n,
  100_000_001n,
  2n ** 31n,
  2n ** 40n,
  8_000_000_000_000_000_000n,
  2n ** 63n,
  2n ** 64n - 1n,
];

function withPrefix(random, header, data) {
  const prefix = new Uint8Array(8);
  const right = BigInt(header.length);
  const length = random.chance(0.9) ? right : random.pick([...LENGTHS, right + 1n, right > 0n ? right - 1n : 0n]);
  new DataView(prefix.buffer).setBigUint64(0, length, true);
  return joined(prefix, header, data);
}
