import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { campaign, LIMITS } from "../../benchmarks/fuzz/campaign.mjs";
import { outcomeOf } from "../../benchmarks/fuzz/outcome.mjs";
import { WeightmarkError } from "../../dist/src/errors.js";
import { scratchDirectory } from "../support/scratch-directory.ts";

const directory = scratchDirectory();
const MODULE = new URL("../../benchmarks/fuzz/faulty.mjs", import.meta.url).href;
/** One input in sixteen is a find, as faulty.mjs makes them. */
const INPUTS = 40;

async function run(target: string, limits = LIMITS, corpus: string | null = null) {
  const shares = new Map([[target, INPUTS]]);
  const tally = (await campaign({ module: MODULE, shares, seed: "1", limits, corpus })).get(target)!;
  return { tally, finds: tally.kinds().flat() };
}

describe("the fuzz finds", () => {
  it("nothing where there is nothing", async () => {
    const { tally } = await run("is sound");
    expect(tally).toMatchObject({ inputs: INPUTS, accepted: INPUTS, finds: 0 });
  });

  it.each([
    ["throws", "uncaught", /TypeError/],
    ["throws later", "died", /RangeError: nobody waits/],
    ["fills the heap", "memory", /heap/],
  ])("what %s", async (target, code, message) => {
    const { tally, finds } = await run(target, { ...LIMITS, heapMb: 64 });
    expect(tally.inputs).toBe(INPUTS);
    expect(finds.length).toBeGreaterThan(0);
    for (const find of finds) expect(find).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(finds[0]!.bytes).toEqual(Uint8Array.of(3));
    // Every other input was tried all the same.
    expect(tally.accepted + finds.length).toBe(INPUTS);
  });

  it("what never ends", async () => {
    const { tally, finds } = await run("hangs", { ...LIMITS, limitMs: 1000 });
    expect(tally.inputs).toBe(INPUTS);
    // On a busy machine others may be taken for it, but never it for nothing.
    const inputs = await Promise.all(finds.filter(({ code }) => code === "hang").map(({ input }) => input()));
    expect(inputs.some(([first]) => first === 3)).toBe(true);
  });

  it("what takes more memory than so small an input may", async () => {
    const { finds } = await run("fills memory", { ...LIMITS, growBytes: 100 << 20 });
    expect(finds.length).toBeGreaterThan(0);
    expect(finds[0]).toMatchObject({ code: "memory", bytes: Uint8Array.of(3) });
  });

  it("what lies in its corpus, and leaves it as it lies", async () => {
    mkdirSync(join(directory, "is sound"));
    const file = join(directory, "is sound", "two-bytes.bin");
    writeFileSync(file, "ab");
    const { tally, finds } = await run("is sound", LIMITS, directory);
    expect(tally.inputs).toBe(INPUTS + 1);
    expect(finds).toMatchObject([{ code: "uncaught", file }]);
  });
});

describe("an error", () => {
  const told = (error: unknown) =>
    outcomeOf(
      {
        check: async () => {
          throw error;
        },
      },
      new Uint8Array(0),
    );

  it("with a code is a refusal, and everything else that is thrown a find", async () => {
    expect(await told(new WeightmarkError("ST_OVERLAP", "x"))).toEqual({ kind: "refused", code: "ST_OVERLAP" });
    const unknown = Object.assign(new WeightmarkError("ST_OVERLAP", "x"), { code: "NO_SUCH_CODE" });
    expect(await told(unknown)).toMatchObject({ kind: "find", code: "no stable code" });
    expect(await told(new WeightmarkError("ST_OVERLAP", ""))).toMatchObject({ kind: "find", code: "says nothing" });
    expect(await told(new WeightmarkError("INTERNAL", "x"))).toMatchObject({ kind: "find", code: "uncaught" });
    for (const other of [new RangeError("x"), new Error("x"), "x", null]) {
      expect(await told(other)).toMatchObject({ kind: "find", code: "uncaught" });
    }
  });
});
