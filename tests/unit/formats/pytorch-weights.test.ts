import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readPytorch } from "../../../src/formats/pytorch/read-pytorch.ts";
import { refusal } from "../../support/refusal.ts";
import {
  call,
  encoded,
  floats,
  global,
  raw,
  storage,
  tensor,
  torchZip,
  tuple,
  type Value,
} from "../../support/torch-file.mjs";

const bytes = floats([1, 2, 3, 4, 5, 6]);
const F = storage("0", 6);
const W = tensor(F, [2, 3]);
const dict = (...entries: [Value, Value][]) => new Map(entries);
const read = (value: Value, storages: Record<string, Uint8Array> = { 0: bytes }, options = {}) =>
  readPytorch(memorySource(torchZip(value, storages, options), "a.pt"), "zip");
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
