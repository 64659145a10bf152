import type { CanonicalTensor } from "../../src/anatomy/anatomy.ts";
import { type DirectDtype, toEvenOdd } from "../../src/kernels/coins.ts";
import { ditherAdd, spreadRowAt } from "../../src/kernels/dither.ts";
import { loadKernels } from "../../src/kernels/load-kernels.ts";
import { chipOfPlace, coinRows, signedAmplitudes } from "../../src/watermark/carriers/difference/coin-rows.ts";
import { chipsOfBlock } from "../../src/watermark/carriers/orientation/chips.ts";
import type { OrientationBlock } from "../../src/watermark/carriers/orientation/projections.ts";
import { blockDraws, chipOf } from "../../src/watermark/carriers/spread/chip-map.ts";
import { scaleRows } from "../../src/watermark/carriers/spread/column-scales.ts";
import { tokenDraws } from "../../src/watermark/carriers/tokens/token-draws.ts";
import { chipOf as chipOfUnit } from "../../src/watermark/carriers/tokens/token-reading.ts";
import { ditherSeed } from "../../src/watermark/key/dither-seed.ts";
import { keystream } from "../../src/watermark/key/keystream.ts";
import { type ModelKey, modelKey } from "../../src/watermark/key/model-key.ts";
import type { CarrierName } from "../../src/watermark/message/carrier-reading.ts";
import { chipPlan } from "../../src/watermark/message/chip-plan.ts";
import { encodePayload } from "../../src/watermark/message/ecc/payload-code.ts";
import { payloadOf } from "../../src/watermark/message/payload.ts";
import { PAYLOAD_CLASSES } from "../../src/watermark/message/payload-class.ts";
import type { KeyText, MarkDraws } from "../oracles/mark-draws.ts";

const key = ({ master, release }: KeyText): ModelKey => modelKey(Buffer.from(master, "hex"), release);
const classOf = (bits: number) => PAYLOAD_CLASSES.find(({ payloadBits }) => payloadBits === bits)!;

/** "language/3/up/-1" */
function placeOf(address: string): Pick<CanonicalTensor, "component" | "layer" | "role" | "expert"> {
  const [component, layer, role, expert] = address.split("/");
  return { component: component!, layer: Number(layer), role: role as CanonicalTensor["role"], expert: Number(expert) };
}

function spreadRow(row: Parameters<MarkDraws["spreadRow"]>[1], seed: Uint32Array, coins: Uint8Array): Uint8Array {
  const { dtype, cols, before, amplitudes, scales } = row;
  const kernels = loadKernels();
  const { arena } = kernels;
  return arena.scope(() => {
    const at = {
      pointer: arena.alloc(before.length),
      cols,
      scales: arena.alloc(4 * cols),
      coins: arena.alloc(coins.length),
      amplitudes: arena.alloc(4 * amplitudes.length),
      seedWords: arena.alloc(12),
    };
    arena.u8(at.pointer, before.length).set(before);
    arena.u8(at.coins, coins.length).set(coins);
    arena.f32(at.amplitudes, amplitudes.length).set(amplitudes);
    toEvenOdd(scales, arena.f32(at.scales, cols));
    spreadRowAt(kernels, at, dtype as DirectDtype, seed, row.row * cols);
    return arena.u8(at.pointer, before.length).slice();
  });
}

/** What the program itself draws from a key. */
export const programDraws: MarkDraws = {
  keyId: (owner) => key(owner).id,
  subkey: (owner, purpose) => key(owner).subkey(purpose),
  stream(subkey, address, first, length) {
    const bytes = new Uint8Array(length);
    keystream(subkey, address).fill(bytes, first);
    return bytes;
  },
  coins(owner, purpose, address, cols, row) {
    const subkey = key(owner).subkey(purpose);
    return [...signedAmplitudes(coinRows(subkey, subkey, address, cols), Float64Array.of(1), cols, row, 1)];
  },
  chipsOfBlocks(owner, purpose, address, cols, row, chips) {
    const subkey = key(owner).subkey(purpose);
    if (purpose === "spread/map")
      return Array.from(blockDraws(subkey, address).rows(row, 1, Math.ceil(cols / 256)), (draw) => chipOf(draw, chips));
    return Array.from(coinRows(subkey, subkey, address, cols).places(row, 1), (place) => chipOfPlace(place, chips));
  },
  generators(owner, address, bits, count) {
    const block = { generators: { source: placeOf(address), count } } as unknown as OrientationBlock;
    const { chips, coins } = chipsOfBlock(block, classOf(bits), key(owner));
    return { chips: [...chips], signs: [...coins] };
  },
  tokens(owner, carrier, rows, names, chips) {
    const draws = tokenDraws(key(owner), carrier, rows, names);
    const eight = [...Array(8).keys()];
    return {
      references: Array.from(draws.references, (token) => {
        const [direction, leading] = [draws.direction(token), draws.leading(token)];
        return { token, direction: [direction.index, direction.sign], leading: [leading.index, leading.sign] };
      }),
      carriers: Array.from(draws.carriers, (token) => ({
        token,
        chips: eight.map((k) => chipOfUnit(draws.place(token, k), chips)),
        signs: eight.map((k) => draws.coin(token, k)),
      })),
    };
  },
  scaleRuns: (owner, address, rows, cols) =>
    scaleRows(key(owner).subkey("spread/rows"), address, rows, cols).map(({ first, count }) => [first, count]),
  ditherWords: (owner, purpose, address) => [...ditherSeed(key(owner).subkey(purpose), address)],
  ditherAdd(dtype, words, first, before, deltas) {
    const bytes = before.slice();
    ditherAdd(bytes, dtype as DirectDtype, deltas, Uint32Array.from(words), first);
    return bytes;
  },
  spreadRow(owner, row) {
    const [coins, dither] = [key(owner).subkey("spread/coins"), key(owner).subkey("spread/dither/1")];
    const source = coinRows(coins, coins, row.address, row.cols);
    return spreadRow(row, ditherSeed(dither, row.address), source.coins(row.row, 1));
  },
  chipPlan: (owner, carrier, bits) => [...chipPlan(classOf(bits), key(owner), carrier as CarrierName).places],
  codeWord(given) {
    const payload = payloadOf(given);
    return { payload: payload.bytes, word: [...encodePayload(payload)] };
  },
};
