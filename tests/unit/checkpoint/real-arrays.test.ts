import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { decodeToF32 } from "../../../src/kernels/decode.ts";

/** Written by their own libraries: tests/fixtures/arrays/make.py. */
const FIXTURES = join(import.meta.dirname, "../../fixtures/arrays");

async function read(name: string) {
  const checkpoint = await openCheckpoint(join(FIXTURES, name));
  try {
    const values: Record<string, number[]> = {};
    for (const { name: tensor, dtype, file, begin, end } of checkpoint.tensors.values()) {
      values[tensor] = [...decodeToF32(await checkpoint.files[file]!.source.read(begin, end), dtype)];
    }
    return { values, notes: checkpoint.notes };
  } finally {
    await checkpoint.close();
  }
}

const ROW = Array.from({ length: 12 }, (_, i) => i);
const TURNED = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11];
/** Each tensor of the net is filled with its place in the state dict. */
const NET = {
  "0.weight": Array(6).fill(0),
  "0.bias": [1, 1],
  "1.weight": [2, 2],
  "1.bias": [3, 3],
  "1.running_mean": [4, 4],
  "1.running_var": [5, 5],
  "1.num_batches_tracked": [6],
};

describe("files as PyTorch and NumPy write them", () => {
  it.each(["zip.pt", "protocol-4.pt", "legacy.pt"])("%s", async (name) => {
    expect((await read(name)).values).toEqual({ w: ROW, turned: TURNED, half: ROW, again: ROW.slice(4) });
  });

  it("a trainer's checkpoint, whose states are no weights", async () => {
    const { values, notes } = await read("trainer.ckpt");
    expect(values).toEqual(NET);
    expect(notes).toEqual(['trainer.ckpt: states of training are no weights and were not read: "optimizer_states"']);
  });

  it("a module as a whole", async () => {
    const { values, notes } = await read("module.pt");
    expect(values).toEqual(NET);
    expect(notes).toEqual([expect.stringMatching(/^module\.pt: objects of programs were not made: torch\.nn/)]);
  });

  it("a module of TorchScript", async () => {
    const { values, notes } = await read("script.pt");
    expect(values).toEqual(NET);
    expect(notes).toEqual([
      "script.pt: a TorchScript module: its parameters were read, not its code nor its constants",
    ]);
  });

  it("arrays of NumPy", async () => {
    expect((await read("arrays.npz")).values).toEqual({ w: ROW, turned: ROW, big: ROW });
    expect((await read("array.npy")).values).toEqual({ array: ROW });
  });
});
