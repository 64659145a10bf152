import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { readSafetensorsHeader, type SafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { type JsonHandler, JsonLexer } from "../../src/formats/safetensors/json-lexer.ts";
import { serializeSafetensors, type TensorData } from "../../src/formats/safetensors/writer.ts";
import { DTYPE_BITS, type Dtype } from "../../src/formats/tensor-info.ts";

/** Names as hostile as well-formed text can be. */
const name = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom("__proto__", "constructor", "../x", "", "\u202e", "\u{1f600}", "a\0b"),
  )
  .filter((text) => text !== "__metadata__" && !/\p{Surrogate}/u.test(text));

const tensor = fc
  .record({
    name,
    dtype: fc.constantFrom(...(Object.keys(DTYPE_BITS) as Dtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    fill: fc.integer({ min: 0, max: 255 }),
  })
  .map(({ fill, ...spec }) => {
    const bits = spec.shape.reduce((a, b) => a * b, 1) * DTYPE_BITS[spec.dtype];
    // One more dimension of 4 makes any sub-byte tensor fill whole bytes.
    const shape = bits % 8 === 0 ? spec.shape : [...spec.shape, 4];
    const bytes = bits % 8 === 0 ? bits / 8 : bits / 2;
    return { ...spec, shape, data: Uint8Array.from({ length: bytes }, (_, i) => fill + i) };
  });

const tensors = fc.uniqueArray(tensor, { selector: (t) => t.name, maxLength: 8 });
const text = fc.string({ unit: "binary", maxLength: 20 }).filter((s) => !/\p{Surrogate}/u.test(s));
const metadata = fc.option(
  fc.uniqueArray(fc.tuple(text, text), { selector: ([k]) => k, maxLength: 4 }).map((pairs) => new Map(pairs)),
  { nil: undefined },
);

const read = (file: Uint8Array) => readSafetensorsHeader(memorySource(file));

/** The code of a refusal, or the header. Anything else that is thrown is a bug and fails the test. */
async function verdict(file: Uint8Array): Promise<SafetensorsHeader | string> {
  return read(file).catch((error: unknown) => {
    if (!(error instanceof WeightmarkError) || error.code === "INTERNAL") throw error;
    return error.code;
  });
}

function headerLength(file: Uint8Array): number {
  return Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
}

function replaceHeader(file: Uint8Array, header: Uint8Array): Uint8Array {
  const data = file.subarray(8 + headerLength(file));
  const changed = new Uint8Array(8 + header.length + data.length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true);
  changed.set(header, 8);
  changed.set(data, 8 + header.length);
  return changed;
}

type Loose = Record<string, { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | undefined>;

/** The format's rules, on what JSON.parse makes of a header: whatever they refuse must be refused. */
function obeysTheRules(header: Uint8Array, dataBytes: number): boolean {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header));
  } catch {
    return false;
  }
  if (typeof root !== "object" || root === null || Array.isArray(root)) return false;
  const ranges: [number, number][] = [];
  for (const [key, value] of Object.entries(root as Loose)) {
    if (key === "__metadata__") {
      if (value !== null && (typeof value !== "object" || Array.isArray(value))) return false;
      if (!Object.values(value ?? {}).every((v) => typeof v === "string")) return false;
      continue;
    }
    if (typeof value !== "object" || value === null) return false;
    const { dtype, shape, data_offsets: offsets } = value;
    const natural = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
    if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BITS, dtype)) return false;
    if (!Array.isArray(shape) || !shape.every(natural)) return false;
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(natural)) return false;
    const [begin, end] = offsets as [number, number];
    const bits = shape.reduce((a, b) => a * b, 1) * DTYPE_BITS[dtype as Dtype];
    if ((end - begin) * 8 !== bits) return false;
    ranges.push([begin, end]);
  }
  let at = 0;
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (begin !== at) return false;
    at = end;
  }
  return at === dataBytes;
}

describe("safetensors", () => {
  test.prop([tensors, metadata])("what is written is read back, byte for byte", async (given, extra) => {
    const file = serializeSafetensors(given, extra);
    const header = await read(file);
    expect(header.dataStart % 8).toBe(0);
    expect(header.metadata).toEqual(extra ?? new Map());
    expect([...header.tensors.keys()].sort()).toEqual(given.map((t) => t.name).sort());
    for (const { name, dtype, shape, data } of given) {
      const info = header.tensors.get(name)!;
      expect([info.name, info.dtype, info.shape]).toEqual([name, dtype, shape]);
      expect(file.subarray(info.begin, info.end)).toEqual(data);
    }
  });

  test.prop([tensors, fc.infiniteStream(fc.nat())])("order of the given tensors changes no byte", (given, keys) => {
    const shuffled = given.map((t) => [keys.next().value, t] as const).sort(([a], [b]) => a - b);
    expect(serializeSafetensors(shuffled.map(([, t]) => t))).toEqual(serializeSafetensors(given));
  });

  test.prop([tensors, fc.nat()])("every proper prefix of a file is refused", async (given: TensorData[], cut) => {
    const file = serializeSafetensors(given);
    expect(await verdict(file.subarray(0, cut % file.length))).toBeTypeOf("string");
  });

  const otherName = fc.constantFrom(
    "model.onnx",
    "pytorch_model.bin",
    "x.distcp",
    "m.onnx_data",
    "a.gguf",
    "a.safetensors.part",
  );

  test.prop([tensors, metadata, otherName])(
    "a good file is read whatever it is called",
    async (given, extra, called) => {
      const header = await readSafetensorsHeader(memorySource(serializeSafetensors(given, extra), called));
      expect(header.tensors.size).toBe(given.length);
    },
  );

  test.prop([tensors, fc.nat(), otherName])(
    "a file that was cut off is never taken for another kind of file",
    async (given, cut, called) => {
      const file = serializeSafetensors(given);
      const error = await readSafetensorsHeader(memorySource(file.subarray(0, cut % file.length), called)).then(
        () => null,
        (reason: unknown) => reason as WeightmarkError,
      );
      expect(error?.code).toMatch(/^(?:EMPTY_FILE|ST_TRUNCATED_PREFIX|ST_HEADER_TRUNCATED|ST_DATA_TRUNCATED)$/);
      expect(error?.message).not.toContain("by its name");
    },
  );

  test.prop([tensors, fc.uint8Array({ minLength: 1, maxLength: 20 })])(
    "every file with bytes after its end is refused",
    async (given, tail) => {
      expect(await verdict(Buffer.concat([serializeSafetensors(given), tail]))).toBe("ST_TRAILING_DATA");
    },
  );

  const edit = fc.record({
    at: fc.nat(),
    remove: fc.integer({ min: 0, max: 3 }),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc
        .constantFrom(
          "0",
          "1",
          ",",
          '"',
          "{}",
          "[]",
          "-",
          ".0",
          "e1",
          "null",
          " ",
          "\\",
          "\\u0000",
          "99999999999999999999",
        )
        .map((s) => Buffer.from(s)),
    ),
  });

  test.prop([tensors, metadata, fc.array(edit, { minLength: 1, maxLength: 3 })], { numRuns: 2000 })(
    "a damaged header is never accepted against the format's rules",
    async (given, extra, edits) => {
      const file = serializeSafetensors(given, extra);
      let header = Buffer.from(file.subarray(8, 8 + headerLength(file)));
      for (const { at, remove, insert } of edits) {
        const start = at % (header.length + 1);
        header = Buffer.concat([header.subarray(0, start), insert, header.subarray(start + remove)]);
      }
      const changed = replaceHeader(file, header);
      const outcome = await verdict(changed);
      if (typeof outcome === "string") return;
      expect(obeysTheRules(header, file.length - 8 - headerLength(file))).toBe(true);
      // And what was accepted reads as JSON.parse reads it.
      const root: Loose = JSON.parse(header.toString("utf8"));
      for (const { name, dtype, shape } of outcome.tensors.values()) {
        expect(root[name]).toMatchObject({ dtype, shape });
      }
    },
  );

  test.prop([fc.uint8Array({ maxLength: 200 })])(
    "random bytes are refused or obey the rules, and never crash",
    async (bytes) => {
      await verdict(bytes);
      const outcome = await verdict(replaceHeader(serializeSafetensors([]), bytes));
      if (typeof outcome !== "string") expect(obeysTheRules(bytes, 0)).toBe(true);
    },
  );
});

/** The value that a handler's events describe. */
function parse(pieces: readonly Uint8Array[]): unknown {
  const stack: { value: unknown[] | Map<string, unknown>; key: string }[] = [{ value: [], key: "" }];
  const put = (value: unknown) => {
    const top = stack[stack.length - 1]!;
    if (Array.isArray(top.value)) top.value.push(value);
    else top.value.set(top.key, value);
  };
  const open = (value: unknown[] | Map<string, unknown>) => {
    put(value);
    stack.push({ value, key: "" });
  };
  const handler: JsonHandler = {
    beginObject: () => open(new Map()),
    beginArray: () => open([]),
    endObject: () => void stack.pop(),
    endArray: () => void stack.pop(),
    key: (text) => {
      stack[stack.length - 1]!.key = text;
    },
    string: put,
    number: (text) => put(Number(text)),
    literal: put,
  };
  const lexer = new JsonLexer(
    handler,
    { maxDepth: 64, maxKeyBytes: 1 << 20, maxStringBytes: 1 << 20 },
    (_, message) => new Error(message),
  );
  for (const piece of pieces) lexer.push(piece);
  lexer.finish();
  return (stack[0]!.value as unknown[])[0];
}

/** JSON.parse's result with objects as maps, which keep __proto__ and compare in any order. */
function mapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== "object" || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, mapped(item)]));
}

describe("JsonLexer", () => {
  test.prop([fc.json({ stringUnit: "binary", maxDepth: 6 }), fc.nat({ max: 4 }), fc.array(fc.nat(), { maxLength: 6 })])(
    "reads what JSON.parse reads, however the text is cut",
    (text, indent, cuts) => {
      fc.pre(!/\p{Surrogate}/u.test(text) && !/\\ud[89a-f]/i.test(text));
      const pretty = Buffer.from(JSON.stringify(JSON.parse(text), null, indent));
      const at = [0, ...cuts.map((cut) => cut % (pretty.length + 1)).sort((a, b) => a - b), pretty.length];
      const pieces = at.slice(1).map((end, i) => pretty.subarray(at[i], end));
      expect(parse(pieces)).toEqual(mapped(JSON.parse(pretty.toString())));
    },
  );
});
