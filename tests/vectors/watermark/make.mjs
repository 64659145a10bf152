#!/usr/bin/env node
/** Writes the vectors beside it, from the build: node tests/vectors/watermark/make.mjs. README.md says what they mean. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { toEvenOdd } from "../../../dist/src/kernels/coins.js";
import { ditherAdd, spreadRowAt } from "../../../dist/src/kernels/dither.js";
import { loadKernels } from "../../../dist/src/kernels/load-kernels.js";
import { chipOfPlace, coinRows, signedAmplitudes } from "../../../dist/src/watermark/carriers/difference/coin-rows.js";
import { chipsOfBlock } from "../../../dist/src/watermark/carriers/orientation/chips.js";
import { blockDraws, chipOf } from "../../../dist/src/watermark/carriers/spread/chip-map.js";
import { scaleRows } from "../../../dist/src/watermark/carriers/spread/column-scales.js";
import { tokenDraws } from "../../../dist/src/watermark/carriers/tokens/token-draws.js";
import { chipOf as chipOfUnit } from "../../../dist/src/watermark/carriers/tokens/token-reading.js";
import { ditherSeed } from "../../../dist/src/watermark/key/dither-seed.js";
import { keystream } from "../../../dist/src/watermark/key/keystream.js";
import { modelKey } from "../../../dist/src/watermark/key/model-key.js";
import { chipPlan, symbols } from "../../../dist/src/watermark/message/chip-plan.js";
import { encodePayload } from "../../../dist/src/watermark/message/ecc/payload-code.js";
import { payloadOf } from "../../../dist/src/watermark/message/payload.js";
import { chipCount, PAYLOAD_CLASSES } from "../../../dist/src/watermark/message/payload-class.js";

const hex = (bytes) => Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength).toString("hex");
const signs = (values) => Array.from(values, (value) => (value < 0 ? "-" : "+")).join("");

/** The same bytes in every run, from nowhere in particular. */
function noise(label, length) {
  const bytes = new Uint8Array(length);
  for (let at = 0, i = 0; at < length; at += 32, i++) {
    bytes.set(createHash("sha256").update(`${label}/${i}`).digest().subarray(0, length - at), at);
  }
  return bytes;
}

function write(file, fields) {
  // One vector a line, so that two versions can be compared by eye.
  const text = Object.entries(fields).map(([name, value]) =>
    Array.isArray(value)
      ? `  "${name}": [\n${value.map((one) => `    ${JSON.stringify(one)}`).join(",\n")}\n  ]`
      : `  "${name}": ${JSON.stringify(value)}`,
  );
  writeFileSync(new URL(file, import.meta.url), `{\n${text.join(",\n")}\n}\n`);
}

const master = Uint8Array.from({ length: 32 }, (_, i) => i);
const KEY = { master: hex(master), release: "acme-7b-v1" };
const key = modelKey(master, KEY.release);
const ADDRESS = "language/3/up/-1";
const CHIPS = PAYLOAD_CLASSES.map(chipCount);

const PURPOSES = [
  ...["key-id", "spread/coins", "spread/rows", "spread/map", "spread/dither/1", "spread/dither/2", "difference/coins"],
  ...["difference/map", "difference/dither", "subspace/coins", "subspace/map", "orientation/directions"],
  ...["orientation/coins", "orientation/map/0", "orientation/map/128", "embedding/ids", "embedding/names"],
  ...["embedding/dither", "head/ids", "head/names", "head/dither", "chip-plan"],
];
const owners = [KEY, { master: hex(new Uint8Array(32).fill(255)), release: "Größe 発 1" }];
write("keys.json", {
  vectors: owners.map((owner) => {
    const { id, subkey } = modelKey(Buffer.from(owner.master, "hex"), owner.release);
    const subkeys = Object.fromEntries(PURPOSES.map((purpose) => [purpose, hex(subkey(purpose))]));
    return { ...owner, id, subkeys };
  }),
});

const stretches = [
  ...[ADDRESS, "tokens", "vision/0/q/12"].map((address) => ({ address, first: 0, length: 48 })),
  ...[1, 15, 16, 17, 65_530, 2 ** 36 + 5].map((first) => ({ address: ADDRESS, first, length: 20 })),
];
write("keystreams.json", {
  subkey: hex(key.subkey("spread/coins")),
  vectors: stretches.map(({ address, first, length }) => {
    const bytes = new Uint8Array(length);
    keystream(key.subkey("spread/coins"), address).fill(bytes, first);
    return { address, first, length, bytes: hex(bytes) };
  }),
});

const rows = ["spread", "difference", "subspace"].flatMap((part) =>
  [
    [256, 0],
    [300, 7],
    [1000, 123_456],
  ].map(([cols, row]) => ({ part, cols, row })),
);
const streamsOf = (part, cols) => coinRows(key.subkey(`${part}/coins`), key.subkey(`${part}/map`), ADDRESS, cols);
const coinVectors = rows.map(({ part, cols, row }) => {
  const row1 = signedAmplitudes(streamsOf(part, cols), Float64Array.of(1), cols, row, 1);
  return { purpose: `${part}/coins`, address: ADDRESS, cols, row, signs: signs(row1) };
});
const directions = coinRows(key.subkey("orientation/directions"), key.subkey("orientation/directions"), ADDRESS, 520);
coinVectors.push({
  ...{ purpose: "orientation/directions", address: ADDRESS, cols: 520, row: 2 },
  signs: signs(signedAmplitudes(directions, Float64Array.of(1), 520, 2, 1)),
});
write("coins.json", { ...KEY, vectors: coinVectors });

write("blocks.json", {
  ...KEY,
  vectors: ["spread", "difference", "subspace"].flatMap((part) =>
    [
      [4096, 5],
      [300, 1],
    ].flatMap(([cols, row]) =>
      CHIPS.map((chips) => {
        const draws =
          part === "spread"
            ? blockDraws(key.subkey("spread/map"), ADDRESS).rows(row, 1, Math.ceil(cols / 256))
            : streamsOf(part, cols).places(row, 1);
        const of = part === "spread" ? chipOf : chipOfPlace;
        return {
          ...{ purpose: `${part}/map`, address: ADDRESS, cols, row, chips },
          chipsOfBlocks: Array.from(draws, (draw) => of(draw, chips)),
        };
      }),
    ),
  ),
});

write("generators.json", {
  ...KEY,
  vectors: PAYLOAD_CLASSES.map((payloadClass) => {
    const source = { component: "language", layer: 3, role: "up", expert: -1 };
    const { chips, coins } = chipsOfBlock({ generators: { source, count: 40 } }, payloadClass, key);
    const { payloadBits } = payloadClass;
    return { address: ADDRESS, bits: payloadBits, chips: [...chips], signs: signs(coins) };
  }),
});

const NAMES = ["<s>", "ab", "the", "Ġthe", "größe", "😀", "日本語", "😀a", null, "ing"];
write("tokens.json", {
  ...KEY,
  vectors: ["embedding", "head"].flatMap((carrier) =>
    [null, [...NAMES, ...Array.from({ length: 90 }, (_, i) => `token${i}`)]].map((names) => {
      const draws = tokenDraws(key, carrier, names === null ? 400 : names.length, names);
      const units = (token) => ({
        token,
        chips: Array.from({ length: 8 }, (_, k) => chipOfUnit(draws.place(token, k), 683)),
        signs: signs(Array.from({ length: 8 }, (_, k) => draws.coin(token, k))),
      });
      const ends = (token) => {
        const [direction, leading] = [draws.direction(token), draws.leading(token)];
        return { token, direction: [direction.index, direction.sign], leading: [leading.index, leading.sign] };
      };
      return {
        ...{ carrier, rows: names === null ? 400 : names.length, names, chips: 683 },
        references: [...draws.references].map(ends),
        firstCarriers: [...draws.carriers.subarray(0, 6)].map(units),
        carriers: draws.carriers.length,
      };
    }),
  ),
});

const shapes = [
  [128, 4096],
  [129, 4096],
  [4096, 4096],
  [11_008, 4096],
  [1000, 200_000],
  [100, 600_000],
];
write("scale-rows.json", {
  ...KEY,
  vectors: shapes.map(([rows, cols]) => {
    const runs = scaleRows(key.subkey("spread/rows"), ADDRESS, rows, cols);
    return { address: ADDRESS, rows, cols, runs: runs.map(({ first, count }) => [first, count]) };
  }),
});

const WIDTH = { BF16: 2, F16: 2, F32: 4 };

/** Elements of middling size, with a few at the edges of what may move: zeros, subnormals, the largest numbers, infinity, NaN. */
function elements(label, dtype, n) {
  const bytes = noise(label, n * WIDTH[dtype]);
  const view = new DataView(bytes.buffer);
  const top = { BF16: 0x3c, F16: 0x30, F32: 0x3c }[dtype];
  for (let i = WIDTH[dtype] - 1; i < bytes.length; i += WIDTH[dtype]) bytes[i] = (bytes[i] & 0x83) | top;
  const edges = {
    BF16: [0, 0x8000, 0x0001, 0x0080, 0x8080, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc0],
    F16: [0, 0x8000, 0x0001, 0x0400, 0x8400, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00],
    F32: [0, 0x80000000, 1, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000],
  }[dtype];
  edges.forEach((code, i) => {
    if (n < 3 * edges.length) return;
    if (WIDTH[dtype] === 4) view.setUint32(4 * (3 * i + 1), code, true);
    else view.setUint16(2 * (3 * i + 1), code, true);
  });
  return bytes;
}

const deltasOf = (label, n) => new Float32Array(new Int16Array(noise(label, 2 * n).buffer)).map((x) => x / 2 ** 20);

const seeds = ["spread/dither/1", "spread/dither/2", "difference/dither", "embedding/dither", "head/dither"].map(
  (purpose) => ({ purpose, address: ADDRESS, words: [...ditherSeed(key.subkey(purpose), ADDRESS)] }),
);
const additions = Object.keys(WIDTH).flatMap((dtype) =>
  [
    [0, 48],
    [13, 30],
    [2 ** 33 - 9, 20],
    [2 ** 40 + 1, 20],
  ].map(([first, n]) => {
    const label = `${dtype}/${first}`;
    const seed = new Uint32Array(noise(`${label}/words`, 16).buffer);
    const before = elements(label, dtype, n);
    const after = before.slice();
    const deltas = deltasOf(`${label}/deltas`, n);
    ditherAdd(after, dtype, deltas, seed, first);
    return { dtype, words: [...seed], first, before: hex(before), deltas: hex(deltas), after: hex(after) };
  }),
);
const spreadRows = Object.keys(WIDTH).map((dtype) => {
  const [cols, row] = [320, 3];
  const { arena } = loadKernels();
  const before = elements(`${dtype}/row`, dtype, cols);
  const amplitudes = Float32Array.of(2 ** -9, -(2 ** -10) / 3);
  const scales = deltasOf(`${dtype}/scales`, cols).map((x) => 1 + Math.abs(x));
  const coins = streamsOf("spread", cols).coins(row, 1);
  const seed = ditherSeed(key.subkey("spread/dither/1"), ADDRESS);
  const after = arena.scope(() => {
    const at = { pointer: arena.alloc(before.length), cols, scales: arena.alloc(4 * cols), coins: arena.alloc(64) };
    Object.assign(at, { amplitudes: arena.alloc(8), seedWords: arena.alloc(12) });
    arena.u8(at.pointer, before.length).set(before);
    arena.u8(at.coins, 64).set(coins);
    arena.f32(at.amplitudes, 2).set(amplitudes);
    toEvenOdd(scales, arena.f32(at.scales, cols));
    spreadRowAt(loadKernels(), at, dtype, seed, row * cols);
    return arena.u8(at.pointer, before.length).slice();
  });
  const given = { amplitudes: hex(amplitudes), scales: hex(scales) };
  return { address: ADDRESS, dtype, cols, row, ...given, before: hex(before), after: hex(after) };
});
write("dither.json", { ...KEY, seeds, additions, spreadRows });

const payload = payloadOf(Buffer.from("00c0ffee", "hex"));
write("chip-plans.json", {
  ...KEY,
  vectors: ["orientation", "spread", "embedding", "head", "difference", "subspace"].flatMap((carrier) =>
    PAYLOAD_CLASSES.filter(({ payloadBits }) => carrier === "spread" || payloadBits === 32).map((payloadClass) => {
      const plan = chipPlan(payloadClass, key, carrier);
      const { payloadBits } = payloadClass;
      const said = payloadBits === 32 ? { payload: hex(payload.bytes), symbols: signs(symbols(plan, payload)) } : {};
      return { carrier, bits: payloadBits, places: [...plan.places], ...said };
    }),
  ),
});

const packed = (bits) => {
  const bytes = new Uint8Array(bits.length / 8);
  bits.forEach((bit, i) => {
    bytes[i >> 3] |= bit << (7 - (i & 7));
  });
  return hex(bytes);
};
const PAYLOADS = ["00", "00c0ffee", "ff", "ffffffff", "0123456789", "0000000000000001", "77656967687473"];
const longest = "00112233445566778899aabbccddeeff";
write("payloads.json", {
  vectors: [...PAYLOADS, "800000000000000000", longest].map((given) => {
    const { bytes, bits } = payloadOf(Buffer.from(given, "hex"));
    return { given, payload: hex(bytes), bits, codeWord: packed(encodePayload({ bytes, bits })) };
  }),
});
