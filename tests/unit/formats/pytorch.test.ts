import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readPytorch } from "../../../src/formats/pytorch/read-pytorch.ts";
import { announcedOnly } from "../../support/decoders.ts";
import { refusal } from "../../support/refusal.ts";
import {
  call,
  floats,
  global,
  outside,
  pickled,
  raw,
  storage,
  tensor,
  torchLegacy,
  torchZip,
  tuple,
  type Value,
  zipOf,
} from "../../support/torch-file.mjs";

const bytes = floats([1, 2, 3, 4, 5, 6]);
const F = storage("0", 6);
const W = tensor(F, [2, 3]);
const dict = (...entries: [Value, Value][]) => new Map(entries);
const read = (value: Value, storages: Record<string, Uint8Array> = { 0: bytes }, options = {}) =>
  readPytorch(memorySource(torchZip(value, storages, options), "a.pt"), "zip");
const old = (value: Value, storages: Record<string, Uint8Array> = { 0: bytes }, options = {}) =>
  readPytorch(memorySource(torchLegacy(value, storages, options), "a.pt"), "legacy");
const names = async (value: Value) => (await read(value)).arrays.map(({ name }) => name);

describe("readPytorch", () => {
  it("tells where tensors lie, in both forms", async () => {
    const file = torchZip(dict(["w", W]), { 0: bytes });
    const { arrays } = await readPytorch(memorySource(file), "zip");
    expect(arrays).toMatchObject([{ name: "w", dtype: "F32", shape: [2, 3], strides: [3, 1], bigEndian: false }]);
    expect(file.subarray(arrays[0]!.begin, arrays[0]!.begin + 24)).toEqual(bytes);
    const two = dict(["w", W], ["v", tensor(storage("1", 6), [6])]);
    expect((await old(two, { 0: bytes, 1: bytes })).arrays).toHaveLength(2);
    for (const protocol of [2, 4]) {
      const legacy = torchLegacy(dict(["w", tensor(F, [2], { offset: 1 })]), { 0: bytes }, { protocol });
      const [w] = (await readPytorch(memorySource(legacy), "legacy")).arrays;
      expect(legacy.subarray(w!.begin, w!.begin + 8)).toEqual(bytes.subarray(4, 12));
    }
  });

  it("reads parts of storages, as the oldest files have them", async () => {
    const part = tensor(storage("0", 6, "Float", tuple("1", 2, 3)), [2], { offset: 1 });
    const file = torchLegacy(dict(["w", part], ["v", W]), { 0: bytes });
    const [w] = (await readPytorch(memorySource(file), "legacy")).arrays;
    expect(file.subarray(w!.begin, w!.begin + 8)).toEqual(bytes.subarray(12, 20));
  });

  it("reads pickles that go beyond what was read first, and announces what it reads", async () => {
    const text = "x".repeat(1 << 20);
    const file = torchLegacy(dict(["w", W], ["text", text]), { 0: bytes });
    const far = announcedOnly(memorySource(file, "a.pt"));
    const source = {
      ...far,
      read: (start: number, end: number) => (start === 0 ? memorySource(file).read(start, end) : far.read(start, end)),
    };
    expect((await readPytorch(source, "legacy")).arrays).toHaveLength(1);
  });

  it("reads no pickles without an end", async () => {
    const start = torchLegacy(null);
    const head = start.subarray(0, start.length - pickled(null).length - pickled([]).length);
    const length = 40 << 20;
    const text = raw("\x8e").raw as Buffer;
    // Bytes of 40 MiB, each thrown away, as long as anyone reads.
    const source = {
      ...memorySource(start, "a.pt"),
      size: 2 ** 40,
      async read(from: number, to: number) {
        const piece = Buffer.alloc(to - from, "0");
        head.copy(piece);
        for (let at = head.length; at + 9 < piece.length; at += 9 + length + 1) {
          text.copy(piece, at);
          piece.writeBigUInt64LE(BigInt(length), at + 1);
        }
        return piece;
      },
    };
    await refusal(readPytorch(source, "legacy"), "PICKLE_LIMIT");
  });

  it("knows what calls of torch mean", async () => {
    const rebuilt = (name: string, ...args: Value[]) => call(global("torch._utils", name), tuple(...args));
    const v3 = (dtype: string, flags: Value[] = []) =>
      rebuilt(
        "_rebuild_tensor_v3",
        outside(tuple("storage", global("torch.storage", "UntypedStorage"), "0", "cpu", 24)),
        0,
        tuple(4),
        tuple(1),
        false,
        null,
        global("torch", dtype),
        ...flags,
      );
    const hooks = call(global("collections", "OrderedDict"), tuple());
    const { arrays } = await read(
      dict(
        ["old", rebuilt("_rebuild_tensor", F, 0, tuple(2), tuple(1))],
        [
          "typed before",
          call(
            global("torch._tensor", "_rebuild_from_type"),
            tuple(
              global("torch._utils", "_rebuild_tensor"),
              global("my", "Tensor"),
              tuple(F, 0, tuple(2), tuple(1)),
              dict(),
            ),
          ),
        ],
        ["parameter", rebuilt("_rebuild_parameter", W, true, hooks)],
        ["state", rebuilt("_rebuild_parameter_with_state", W, true, hooks, dict())],
        ["device", rebuilt("_rebuild_device_tensor_from_cpu_tensor", W, null, "cuda", false)],
        ["f8", v3("float8_e4m3fn")],
        ["u16", v3("uint16", [dict(["conj", false])])],
        [
          "typed",
          call(
            global("torch._tensor", "_rebuild_from_type_v2"),
            tuple(
              global("torch._utils", "_rebuild_tensor_v2"),
              global("my", "Tensor"),
              tuple(F, 0, tuple(2), tuple(1), false, hooks),
              dict(),
            ),
          ),
        ],
        ["half", tensor(storage("0", 12, "Half"), [3])],
      ),
    );
    expect(arrays.map(({ name, dtype }) => `${name} ${dtype}`)).toEqual([
      "old F32",
      "typed before F32",
      "parameter F32",
      "state F32",
      "device F32",
      "f8 F8_E4M3",
      "u16 U16",
      "typed F32",
      "half F16",
    ]);
    const odd = call(
      global("torch._utils", "_rebuild_tensor_v2"),
      tuple(F, 0, call(global("torch", "Size"), tuple(tuple(2, 3))), [3, 1], false, hooks),
    );
    expect((await read(dict(["w", odd]))).arrays[0]).toMatchObject({ shape: [2, 3], strides: [3, 1] });
  });

  it("leaves out tensors of forms that hold no plain weights, and says so", async () => {
    const form = (name: string) => call(global("torch._utils", name), tuple());
    const left = dict(
      ["s", form("_rebuild_sparse_tensor")],
      ["n", form("_rebuild_nested_tensor")],
      ["m", form("_rebuild_meta_tensor_no_storage")],
      ["c", tensor(storage("1", 1, "ComplexDouble"), [1])],
      ["i", tensor(F, [2], { tail: [dict(["neg", true])] })],
      [
        "f4",
        call(
          global("torch._utils", "_rebuild_tensor_v3"),
          tuple(F, 0, tuple(1), tuple(1), false, null, global("torch", "float4_e2m1fn_x2")),
        ),
      ],
    );
    const { arrays, notes: told } = await read(new Map([...left, ["w", W]]), { 0: bytes });
    expect(arrays.map(({ name }) => name)).toEqual(["w"]);
    expect(told).toEqual([
      'tensors of forms that hold no plain weights were not read: "s (sparse)", "n (nested)", "m (without bytes)", "c (of a type that is not read)", "i (conjugate or negative)", 1 more',
    ]);
    expect((await refusal(read(left), "PT_NO_TENSORS")).message).toMatch(/^no weights in the file: tensors of forms/);
  });

  it.each<[string, Value]>([
    ["no list of counts", call(global("torch._utils", "_rebuild_tensor"), tuple(F, 0, 3, tuple(1)))],
    ["no count", tensor(F, [0.5])],
    ["no count", tensor(F, [2], { offset: null })],
    ["not as many", tensor(F, [2], { strides: [] })],
    ["axes, more than", tensor(F, Array(65).fill(1))],
    ["lies in no storage", tensor(null, [2])],
    ["has no key", outside(tuple("storage", global("torch", "FloatStorage"), 0, "cpu", 6))],
    ["no type of a storage", outside(tuple("storage", global("torch", "OtherStorage"), "0", "cpu", 6))],
    ["no type of a storage", outside(tuple("storage", global("os", "FloatStorage"), "0", "cpu", 6))],
  ])("refuses what makes no sense: %s", async (message, value) => {
    expect((await refusal(read(dict(["w", value])), "PT_MALFORMED")).message).toContain(message);
  });

  it("refuses references that mean nothing", async () => {
    for (const id of ["0", tuple("other", 1), tuple("storage", "FloatStorage", "0", "cpu", 6)]) {
      await refusal(read(outside(id)), "PICKLE_MALFORMED");
    }
    expect(
      await names(dict(["w", W], ["c", outside(tuple("module", global("net", "Net"), "net.py", "class Net"))])),
    ).toEqual(["w"]);
  });

  it("refuses files that lack what they need", async () => {
    const zip = (members: Parameters<typeof zipOf>[0]) => readPytorch(memorySource(zipOf(members), "a.pt"), "zip");
    await refusal(zip([{ name: "x", data: bytes }]), "PT_MALFORMED");
    await refusal(read(dict(["w", W]), {}), "PT_STORAGE_WRONG");
    await refusal(old(dict(["w", W]), { 0: bytes }, { keys: "0" }), "PT_STORAGE_WRONG");
    await refusal(old(dict(["w", W]), { 0: bytes }, { keys: [0] }), "PT_STORAGE_WRONG");
    await refusal(old(dict(["w", W]), { 0: bytes }, { magic: 5 }), "PT_MALFORMED");
    await refusal(
      read(
        dict(["w", W]),
        { 0: bytes },
        { order: null, members: [{ name: "archive/byteorder", data: Buffer.from("x") }] },
      ),
      "PT_MALFORMED",
    );
    expect((await read(dict(["w", W]), { 0: bytes }, { order: null })).arrays[0]!.bigEndian).toBe(false);
    expect((await read(dict(["w", W]), { 0: bytes }, { order: "big" })).arrays[0]!.bigEndian).toBe(true);
    const one = await read(dict(["w", tensor(storage("0", 24, "Byte"), [24])]), { 0: bytes }, { order: "big" });
    expect(one.arrays[0]!.bigEndian).toBe(false);
  });
});
