import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { drawsByText, type KeyText } from "../../oracles/mark-draws.ts";
import { programDraws } from "../../support/mark-draws.ts";

interface KeyVector extends KeyText {
  readonly id: string;
  readonly subkeys: Readonly<Record<string, string>>;
}

interface File<Vector> extends KeyText {
  readonly vectors: readonly Vector[];
}

interface RowVector {
  readonly purpose: string;
  readonly address: string;
  readonly cols: number;
  readonly row: number;
}

interface Tokens {
  readonly carrier: "embedding" | "head";
  readonly rows: number;
  readonly names: readonly (string | null)[] | null;
  readonly chips: number;
  readonly references: readonly object[];
  readonly firstCarriers: readonly object[];
  readonly carriers: number;
}

interface Addition {
  readonly dtype: string;
  readonly words: number[];
  readonly first: number;
  readonly before: string;
  readonly deltas: string;
  readonly after: string;
}

interface SpreadRow extends Omit<RowVector, "purpose"> {
  readonly dtype: string;
  readonly amplitudes: string;
  readonly scales: string;
  readonly before: string;
  readonly after: string;
}

interface DitherFile extends KeyText {
  readonly seeds: readonly { readonly purpose: string; readonly address: string; readonly words: number[] }[];
  readonly additions: readonly Addition[];
  readonly spreadRows: readonly SpreadRow[];
}

const directory = new URL("../../vectors/watermark/", import.meta.url);
const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(`${file}.json`, directory), "utf8"));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const floats = (text: string): Float32Array => new Float32Array(bytesOf(text).buffer);
const signText = (signs: readonly number[]): string => signs.map((sign) => (sign < 0 ? "-" : "+")).join("");
const packed = (bits: readonly number[]): string =>
  hex(
    Uint8Array.from({ length: bits.length / 8 }, (_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8).join(""), 2)),
  );

describe.each([
  ["the program", programDraws],
  ["an implementation of the README beside them", drawsByText],
])("the vectors of watermarks and %s agree on", (_, draws) => {
  test.each(read<{ vectors: KeyVector[] }>("keys").vectors)("the subkeys of $release", (key) => {
    expect(draws.keyId(key)).toBe(key.id);
    const found = Object.keys(key.subkeys).map((purpose) => [purpose, hex(draws.subkey(key, purpose))]);
    expect(Object.fromEntries(found)).toEqual(key.subkeys);
  });

  const streams = read<{
    subkey: string;
    vectors: { address: string; first: number; length: number; bytes: string }[];
  }>("keystreams");
  test.each(streams.vectors)("the stream of $address from byte $first", ({ address, first, length, bytes }) => {
    expect(hex(draws.stream(bytesOf(streams.subkey), address, first, length))).toBe(bytes);
  });

  const coins = read<File<RowVector & { signs: string }>>("coins");
  test.each(coins.vectors)("$purpose of row $row of $cols", ({ purpose, address, cols, row, signs }) => {
    expect(signText(draws.coins(coins, purpose, address, cols, row))).toBe(signs);
  });

  const blocks = read<File<RowVector & { chips: number; chipsOfBlocks: number[] }>>("blocks");
  test.each(blocks.vectors)(
    "$purpose of row $row of $cols, $chips chips",
    ({ purpose, address, cols, row, chips, chipsOfBlocks }) => {
      expect(draws.chipsOfBlocks(blocks, purpose, address, cols, row, chips)).toEqual(chipsOfBlocks);
    },
  );

  const generators = read<File<{ address: string; bits: number; chips: number[]; signs: string }>>("generators");
  test.each(generators.vectors)("chips and signs of rows, $bits bits", ({ address, bits, chips, signs }) => {
    const found = draws.generators(generators, address, bits, chips.length);
    expect({ chips: found.chips, signs: signText(found.signs) }).toEqual({ chips, signs });
  });

  const tokens = read<File<Tokens>>("tokens");
  test.each(tokens.vectors)("tokens of $carrier, $rows rows", (vector) => {
    const { carrier, rows, names, chips } = vector;
    const { references, carriers } = draws.tokens(tokens, carrier, rows, names, chips);
    expect(references).toEqual(vector.references);
    expect(carriers).toHaveLength(vector.carriers);
    const first = carriers.slice(0, vector.firstCarriers.length);
    expect(first.map((one) => ({ ...one, signs: signText(one.signs) }))).toEqual(vector.firstCarriers);
  });

  const scales = read<File<{ address: string; rows: number; cols: number; runs: number[][] }>>("scale-rows");
  test.each(scales.vectors)("the rows of the scales of $rows x $cols", ({ address, rows, cols, runs }) => {
    expect(draws.scaleRuns(scales, address, rows, cols)).toEqual(runs);
  });

  const dither = read<DitherFile>("dither");
  test.each(dither.seeds)("the words of $purpose", ({ purpose, address, words }) => {
    expect(draws.ditherWords(dither, purpose, address)).toEqual(words);
  });

  test.each(dither.additions)("additions to $dtype from weight $first on", (vector) => {
    const { dtype, words, first, before, deltas, after } = vector;
    expect(hex(draws.ditherAdd(dtype, words, first, bytesOf(before), floats(deltas)))).toBe(after);
    expect(before).not.toBe(after);
  });

  test.each(dither.spreadRows)("a row of $dtype of the carrier spread", ({ before, amplitudes, scales, ...row }) => {
    const given = { ...row, before: bytesOf(before), amplitudes: floats(amplitudes), scales: floats(scales) };
    expect(hex(draws.spreadRow(dither, given))).toBe(row.after);
    expect(before).not.toBe(row.after);
  });

  const plans =
    read<File<{ carrier: string; bits: number; places: number[]; payload?: string; symbols?: string }>>("chip-plans");
  test.each(plans.vectors)("the chips of $carrier, $bits bits", ({ carrier, bits, places, payload, symbols }) => {
    const found = draws.chipPlan(plans, carrier, bits);
    expect(found).toEqual(places);
    if (payload === undefined) return;
    const { word } = draws.codeWord(bytesOf(payload));
    expect(signText(found.map((place) => (place < 0 || word[place] === 0 ? 1 : -1)))).toBe(symbols);
  });

  const payloads = read<{ vectors: { given: string; payload: string; bits: number; codeWord: string }[] }>("payloads");
  test.each(payloads.vectors)("the code word of $given", ({ given, payload, bits, codeWord }) => {
    const found = draws.codeWord(bytesOf(given));
    expect([hex(found.payload), 8 * found.payload.length, packed(found.word)]).toEqual([payload, bits, codeWord]);
  });
});
