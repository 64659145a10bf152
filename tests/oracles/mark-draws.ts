import { createCipheriv, createHash, createHmac } from "node:crypto";
import { codeWordByText } from "./code-word.ts";
import { ditherAddPlain } from "./dither.ts";

/** A model key as vectors give it: the master in hex. */
export interface KeyText {
  readonly master: string;
  readonly release: string;
}

/** One row of the carrier `spread` that is to be moved. */
export interface RowToMove {
  readonly address: string;
  readonly dtype: string;
  readonly cols: number;
  readonly row: number;
  readonly before: Uint8Array;
  readonly amplitudes: Float32Array;
  readonly scales: Float32Array;
}

export interface TokensDrawn {
  readonly references: readonly { token: number; direction: number[]; leading: number[] }[];
  readonly carriers: readonly { token: number; chips: number[]; signs: number[] }[];
}

/** Everything of a mark that follows from its key, as `tests/vectors/watermark/README.md` lists it. Signs are 1 and -1. */
export interface MarkDraws {
  keyId(key: KeyText): string;
  subkey(key: KeyText, purpose: string): Uint8Array;
  stream(subkey: Uint8Array, address: string, first: number, length: number): Uint8Array;
  coins(key: KeyText, purpose: string, address: string, cols: number, row: number): number[];
  chipsOfBlocks(
    key: KeyText,
    purpose: string,
    address: string,
    cols: number,
    row: number,
    chips: number,
  ): readonly number[];
  generators(key: KeyText, address: string, bits: number, count: number): { chips: number[]; signs: number[] };
  tokens(
    key: KeyText,
    carrier: "embedding" | "head",
    rows: number,
    names: readonly (string | null)[] | null,
    chips: number,
  ): TokensDrawn;
  scaleRuns(key: KeyText, address: string, rows: number, cols: number): number[][];
  ditherWords(key: KeyText, purpose: string, address: string): number[];
  ditherAdd(dtype: string, words: number[], first: number, before: Uint8Array, deltas: Float32Array): Uint8Array;
  spreadRow(key: KeyText, row: RowToMove): Uint8Array;
  chipPlan(key: KeyText, carrier: string, bits: number): number[];
  codeWord(given: Uint8Array): { readonly payload: Uint8Array; readonly word: number[] };
}

const BLOCK = 16;
const CLASSES = new Map([
  [0, { coded: 0, pilots: 64 }],
  [32, { coded: 128, pilots: 43 }],
  [64, { coded: 256, pilots: 85 }],
  [128, { coded: 512, pilots: 171 }],
]);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const sign = (bit: number): 1 | -1 => ((bit & 1) === 1 ? -1 : 1);
const range = (n: number): number[] => [...Array(n).keys()];
const share = (draw: number, chips: number): number => Math.floor((draw * chips) / 65_536);

/** HKDF (RFC 5869) with one block of output, which is as long as a subkey. */
function subkey({ master, release }: KeyText, purpose: string): Uint8Array {
  const extracted = createHmac("sha256", release).update(Buffer.from(master, "hex")).digest();
  return createHmac("sha256", extracted).update(`weightmark/1/${purpose}`).update(Uint8Array.of(1)).digest();
}

/** Counter blocks one by one through the bare cipher. */
function stream(secret: Uint8Array, address: string, first: number, length: number): Uint8Array {
  const from = Math.floor(first / BLOCK);
  const blocks = Math.ceil((first + length) / BLOCK) - from;
  const counters = Buffer.alloc(blocks * BLOCK);
  const nonce = createHash("sha256").update(address).digest().subarray(0, 8);
  for (let i = 0; i < blocks; i++) {
    nonce.copy(counters, i * BLOCK);
    counters.writeBigUInt64BE(BigInt(from + i), i * BLOCK + 8);
  }
  const bytes = createCipheriv("aes-256-ecb", secret, null).setAutoPadding(false).update(counters);
  return new Uint8Array(bytes.subarray(first - from * BLOCK, first - from * BLOCK + length));
}

function coins(key: KeyText, purpose: string, address: string, cols: number, row: number): number[] {
  const width = 32 * Math.ceil(cols / 256);
  const view = viewOf(stream(subkey(key, purpose), address, width * row, width));
  return range(cols).map((j) => {
    const word = view.getUint16(16 * Math.floor(j / 128) + 2 * (j % 8), true);
    return sign(word >> (15 - Math.floor((j % 128) / 8)));
  });
}

function ditherWords(key: KeyText, purpose: string, address: string): number[] {
  const view = viewOf(stream(subkey(key, purpose), address, 0, 16));
  return range(4).map((k) => view.getUint32(4 * k, true));
}

function tokens(...[key, carrier, rows, names, chips]: Parameters<MarkDraws["tokens"]>): TokensDrawn {
  const secret = subkey(key, `${carrier}/${names === null ? "ids" : "names"}`);
  const drawn = range(rows).flatMap((token) => {
    const name = names?.[token] ?? "";
    if (names === null ? token < 256 : name.length < 3) return [];
    const t =
      names === null ? stream(secret, "tokens", 48 * token, 48) : createHmac("sha384", secret).update(name).digest();
    return [{ token, t, draw: viewOf(t).getUint32(0) }];
  });
  const isReference = ({ draw }: { draw: number }): boolean => draw < 2 ** 28;
  return {
    references: drawn
      .filter(isReference)
      .sort((a, b) => a.draw - b.draw || a.token - b.token)
      .map(({ token, t }) => ({
        token,
        direction: [t[4]! % 8, sign(t[5]!)],
        leading: [t[6]! % 8, sign(t[7]!)],
      })),
    carriers: drawn
      .filter((one) => !isReference(one))
      .map(({ token, t }) => ({
        token,
        chips: range(8).map((k) => share(viewOf(t).getUint16(8 + 2 * k), chips)),
        signs: range(8).map((k) => sign(t[40]! >> k)),
      })),
  };
}

function scaleRuns(key: KeyText, address: string, rows: number, cols: number): number[][] {
  const runs = Math.min(8, Math.max(1, Math.floor(2 ** 23 / (16 * cols))));
  if (rows <= 16 * runs) return [[0, rows]];
  const view = viewOf(stream(subkey(key, "spread/rows"), address, 0, 4 * runs));
  const taken: number[] = [];
  for (let i = 0; i < runs; i++) {
    const last = Math.floor(rows / 16) - runs + i;
    const candidate = view.getUint32(4 * i, true) % (last + 1);
    taken.push(taken.includes(candidate) ? last : candidate);
  }
  return taken.sort((a, b) => a - b).map((group) => [16 * group, 16]);
}

function chipPlan(key: KeyText, carrier: string, bits: number): number[] {
  const { coded, pilots } = CLASSES.get(bits)!;
  const plan = range(coded + pilots).map((i) => (i < coded ? i : -1));
  const draws = viewOf(stream(subkey(key, "chip-plan"), `${carrier}/${bits}`, 0, 8 * plan.length));
  let at = 0;
  for (let last = plan.length - 1; last > 0; last--) {
    const n = last + 1;
    let number = 0;
    do {
      number = draws.getUint32(at, true);
      at += 4;
    } while (number >= 2 ** 32 - (2 ** 32 % n));
    [plan[last], plan[number % n]] = [plan[number % n]!, plan[last]!];
  }
  return plan;
}

/** A second implementation, of the text and of nothing else. */
export const drawsByText: MarkDraws = {
  keyId: (key) => Buffer.from(subkey(key, "key-id")).toString("hex", 0, 8),
  ...{ subkey, stream, coins, tokens, scaleRuns, ditherWords, chipPlan, codeWord: codeWordByText },
  chipsOfBlocks(key, purpose, address, cols, row, chips) {
    const blocks = Math.ceil(cols / 256);
    const view = viewOf(stream(subkey(key, purpose), address, 2 * row * blocks, 2 * blocks));
    return range(blocks).map((b) =>
      purpose === "spread/map"
        ? Math.floor((Math.floor(view.getUint16(2 * b, true) / 8) * chips) / 8192)
        : share(view.getUint16(2 * b), chips),
    );
  },
  generators(key, address, bits, count) {
    const { coded, pilots } = CLASSES.get(bits)!;
    const map = viewOf(stream(subkey(key, `orientation/map/${bits}`), address, 0, 2 * count));
    const coinBits = stream(subkey(key, "orientation/coins"), address, 0, Math.ceil(count / 8));
    return {
      chips: range(count).map((g) => share(map.getUint16(2 * g, true), coded + pilots)),
      signs: range(count).map((g) => sign(coinBits[Math.floor(g / 8)]! >> (g % 8))),
    };
  },
  ditherAdd(dtype, words, first, before, deltas) {
    const bytes = before.slice();
    ditherAddPlain(bytes, dtype as "BF16", deltas, Uint32Array.from(words), first);
    return bytes;
  },
  spreadRow(key, { address, dtype, cols, row, before, amplitudes, scales }) {
    const signs = coins(key, "spread/coins", address, cols, row);
    const deltas = scales.map((scale, j) => signs[j]! * Math.fround(amplitudes[Math.floor(j / 256)]! * scale));
    const words = ditherWords(key, "spread/dither/1", address);
    return drawsByText.ditherAdd(dtype, words, 8 * Math.ceil(cols / 8) * row, before, deltas);
  },
};
