import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readPytorch } from "../../../src/formats/pytorch/read-pytorch.ts";
import { announcedOnly } from "../../support/decoders.ts";
import { refusal } from "../../support/refusal.ts";
import {
  call,
  encoded,
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
const notes = async (value: Value) => (await read(value)).notes;
const module = (parameters: Value, modules: Value = dict(), buffers: Value = dict(), more: [Value, Value][] = []) =>
  call(
    global("net", "Net"),
    tuple(),
    dict(["_parameters", parameters], ["_buffers", buffers], ["_modules", modules], ...more),
  );
const LEFT = "_non_persistent_buffers_set";
const OPTIMISER = dict(
  ["state", dict([0, dict(["exp_avg", W])])],
  ["param_groups", [dict(["lr", 1], ["params", [0]])]],
);

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

describe("the weights of a checkpoint", () => {
  it.each<[string, Value, readonly string[]]>([
    ["a state dict", dict(["a.w", W], ["b.w", W]), ["a.w", "b.w"]],
    ["dicts in dicts", dict(["a", dict(["w", W], [3, W])], ["b", W]), ["a.w", "a.3", "b"]],
    ["a dict with entries of other keys", dict(["w", W], [null, W], [tuple(1), W]), ["w"]],
    [
      "an ordered dict of pairs",
      call(global("collections", "OrderedDict"), tuple([["w", W], tuple("v", W), ["x"], null])),
      ["w", "v"],
    ],
    [
      "a dict that makes up values",
      call(global("collections", "defaultdict"), tuple(global("builtins", "list"), [["w", W]])),
      ["w"],
    ],
    ["a list", [W, dict(["w", W])], ["0", "1.w"]],
    ["a tensor alone", W, ["tensor"]],
    ["a trainer's", dict(["epoch", 3], ["state_dict", dict(["w", W])], ["optimizer", dict(["m", W])]), ["w"]],
    ["one in another", dict(["model", dict(["state_dict", dict(["w", W])], ["epoch", 1])]), ["w"]],
    ["a counter beside", dict(["step", tensor(F, [])], ["model", dict(["w", W])]), ["w"]],
    ["a table beside", dict(["table", W], ["model", dict(["w", W])]), ["table", "model.w"]],
    ["an average beside", dict(["model", dict(["w", W])], ["model_ema", dict(["w", W])]), ["w"]],
    ["an average alone", dict(["ema", dict(["w", W])]), ["ema.w"]],
    [
      "two models",
      dict(["generator", dict(["w", W])], ["critic", dict(["w", W])], ["opt", call(global("a", "b"), tuple(W))]),
      ["generator.w", "critic.w"],
    ],
    ["one of no usual name", dict(["thing", dict(["w", W])]), ["thing.w"]],
    [
      "a module",
      module(dict(["w", W], ["bias", null]), dict(["inner", module(dict(["v", W]))]), dict(["b", W])),
      ["w", "b", "inner.v"],
    ],
    ["a module in a trainer's", dict(["model", module(dict(["w", W]))], ["epoch", 1]), ["w"]],
    [
      "buffers that are not kept",
      module(dict(["w", W]), dict(), dict(["a", W], ["b", W]), [
        ["_non_persistent_buffers_set", call(global("builtins", "set"), tuple(["a"]))],
      ]),
      ["w", "b"],
    ],
    [
      "buffers that are not kept, in protocol 4",
      module(dict(["w", W]), dict(), dict(["a", W]), [["_non_persistent_buffers_set", raw("\x8f(\x8c\x01a\x90")]]),
      ["w"],
    ],
    ["a module of no parts", dict(["w", W], ["m", module(dict(), null, null)]), ["w"]],
    [
      "a module beside one that keeps nothing",
      module(
        dict(["w", W]),
        dict(["rotary", module(dict(), dict(), dict(["a", W]), [[LEFT, raw("\x8f(\x8c\x01a\x90")]])]),
      ),
      ["w"],
    ],
    [
      "a trainer's that keeps random numbers as tensors",
      dict(["model", dict(["w", W])], ["torch_rng_state", W], ["step", tensor(F, [])]),
      ["w"],
    ],
    ["a state dict that calls a weight so", dict(["rng", W], ["w", W]), ["rng", "w"]],
    [
      "a trainer's beside an optimiser of another name",
      dict(["netG", dict(["w", W])], ["optG", OPTIMISER]),
      ["netG.w"],
    ],
    [
      "a dict of two that is no optimiser's",
      dict(["state", dict(["w", W])], ["param_groups", []], ["x", 1]),
      ["state.w"],
    ],
    ["one whose groups are none", dict(["state", dict(["w", W])], ["param_groups", [dict(["lr", 1])]]), ["state.w"]],
    ["one without groups", dict(["state", dict(["w", W])], ["param_groups", dict(["params", 1])]), ["state.w"]],
    ["one without states", dict(["state", W], ["param_groups", [dict(["params", [0]])]]), ["state"]],
    [
      "a module of TorchScript",
      call(
        global("__torch__.net", "Net"),
        tuple(),
        dict(["w", W], ["inner", call(global("__torch__.net", "Inner"), tuple(), dict(["v", W]))]),
      ),
      ["w", "inner.v"],
    ],
  ])("are found in %s", async (_what, value, expected) => {
    expect(await names(value)).toEqual(expected);
  });

  it("are none in what an optimiser keeps, or in a module that computes all that it has", async () => {
    expect((await refusal(read(OPTIMISER), "PT_NO_TENSORS")).message).toBe(
      'no weights in the file: states of training are no weights and were not read: "state"',
    );
    const computed = module(dict(), dict(), dict(["a", W]), [[LEFT, raw("\x8f(\x8c\x01a\x90")]]);
    await refusal(read(computed), "PT_NO_TENSORS");
    // Whatever else an object of it keeps may be a weight.
    const others: readonly (readonly [string, Value])[] = [
      ["packed", W],
      ["inner", dict(["x", [W]])],
    ];
    for (const other of others) {
      const odd = module(dict(), dict(), dict(["a", W]), [[LEFT, raw("\x8f(\x8c\x01a\x90")], [...other]]);
      await refusal(read(dict(["w", W], ["odd", odd])), "PT_TENSOR_UNKNOWN");
    }
    const kept = module(dict(), dict(), dict(["a", call(global("bnb", "Int8Params"), tuple(W))]), [
      [LEFT, raw("\x8f(\x8c\x01a\x90")],
    ]);
    await refusal(read(dict(["w", W], ["odd", kept])), "PT_TENSOR_UNKNOWN");
  });

  it("are told from what was left out", async () => {
    expect(
      await notes(
        dict(["state_dict", dict(["w", W])], ["optimizer_states", [dict(["m", W])]], ["ema", dict(["w", W])]),
      ),
    ).toEqual([
      'states of training are no weights and were not read: "optimizer_states"',
      'averages of the weights beside them were not read: "ema"',
    ]);
    const script = await read(dict(["w", W]), { 0: bytes }, { members: [{ name: "archive/code/a.py", data: bytes }] });
    expect(script.notes).toEqual([expect.stringContaining("TorchScript")]);
  });

  it("are missed by nobody who reads the notes, under keys that are no names as well", async () => {
    const hidden = dict(["decoy", W], ["layers", dict([tuple(1), W])]);
    expect(await names(hidden)).toEqual(["decoy"]);
    expect((await notes(hidden)).join()).toContain("tensors under keys that are no names were not read");
    expect((await notes(dict(["decoy", W], [tuple(2), W]))).join()).toContain("under keys that are no names");
    expect((await notes(dict(["decoy", W], [tuple(2), dict(["a", W])]))).join()).toContain(
      "under keys that are no names",
    );
    for (const nothing of [5, null, dict(["a", 1])]) {
      expect(await notes(dict(["decoy", W], [tuple(2), nothing]))).toEqual([]);
    }
  });

  it("are those of a module though a set of buffers names it", async () => {
    const inner = module(dict(["weight", W]));
    const set = call(global("builtins", "set"), tuple(["layers", "gone"]));
    const buffers = dict(["gone", W]);
    const whole = module(dict(), dict(["layers", inner]), buffers, [["_non_persistent_buffers_set", set]]);
    expect(await names(whole)).toEqual(["layers.weight"]);
  });

  it("are found in no time, however keys are spelled", async () => {
    const key = `${"optim".repeat(200_000)}!`;
    expect(await names(dict([key, 1], ["w", W]))).toEqual(["w"]);
  });

  it("are refused where an object hides them", async () => {
    const error = await refusal(
      read(dict(["w", W], ["q", call(global("bnb", "Params4bit"), tuple(W))])),
      "PT_TENSOR_UNKNOWN",
    );
    expect(error).toMatchObject({ tensor: "q", message: 'the weight is kept by an object of "bnb.Params4bit"' });
    const filled = raw("ca\nb\n)R(", (encoded(W) as Buffer).toString("latin1"), "e");
    await refusal(read(dict(["w", W], ["q", filled])), "PT_TENSOR_UNKNOWN");
    await refusal(read(dict(["w", W], ["q", call(global("a", "b"), tuple(dict(["x", [F]])))])), "PT_TENSOR_UNKNOWN");
    expect(await names(dict(["w", W], ["q", call(global("a", "b"), tuple(1, "x", dict(["x", [null]])))]))).toEqual([
      "w",
    ]);
    await refusal(
      read(
        dict(
          ["w", W],
          ["t", call(global("torch._tensor", "_rebuild_from_type_v2"), tuple(global("os", "system"), null, tuple(W)))],
        ),
      ),
      "PT_TENSOR_UNKNOWN",
    );
    await refusal(
      read(dict(["w", W], ["t", call(global("torch._tensor", "_rebuild_from_type_v2"), tuple(1, null, tuple(W)))])),
      "PT_TENSOR_UNKNOWN",
    );
  });

  it("are no more than a model can have", async () => {
    const inner = new Map<Value, Value>(Array.from({ length: 1025 }, (_, i) => [i, W]));
    const shared = raw("q\x01");
    const entries: [Value, Value][] = Array.from({ length: 1024 }, (_, i) => [i, raw("h\x01")]);
    const first = { raw: Buffer.concat([encoded(inner), shared.raw as Buffer]) };
    const room: [Value, Value] = ["room", "x".repeat(1 << 18)];
    await refusal(read(dict(room, ["first", first], ...entries)), "PICKLE_LIMIT");
  });

  it("keep names apart and short", async () => {
    await refusal(read(dict(["a", dict(["b.c", W])], ["a.b", dict(["c", W])], ["x", W])), "PT_DUPLICATE_NAME");
    await refusal(read(dict(["n".repeat(16_001), W])), "PICKLE_LIMIT");
  });

  it("come with a warning of names that could run code", async () => {
    const told = await notes(
      dict(
        ["w", W],
        ["a", call(global("os", "system"), tuple("true"))],
        ["b", call(global("builtins", "eval"), tuple("1"))],
        ["c", call(global("torch", "serialization.os.system"), tuple("true"))],
        ["d", call(global("torch.hub", "load"), tuple("x"))],
        ["e", call(global("a", "__globals__"), tuple())],
        ["f", call(global("omegaconf", "DictConfig"), tuple())],
        ["g", call(global("argparse", "Namespace"), tuple())],
      ),
    );
    expect(told).toEqual([
      "DANGER: the file names os.system, builtins.eval, torch.serialization.os.system, torch.hub.load, a.__globals__, which can run code wherever it is loaded as a pickle; nothing of it was run here",
      "objects of programs were not made: omegaconf.DictConfig",
    ]);
    const many = Array.from({ length: 10 }, (_, i): [Value, Value] => [`x${i}`, global("other", `C${i}`)]);
    expect((await notes(dict(["w", W], ...many)))[0]).toMatch(/other\.C7, 2 more$/);
  });
});
