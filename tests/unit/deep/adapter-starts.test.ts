import { describe, expect, it } from "vitest";
import { startEvidence } from "../../../src/deep/adapter-starts.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { drawn } from "../../support/merging.ts";
import type { Model } from "../../support/random-model.ts";
import { checkpointOf, subjectOf } from "../../support/stored-model.ts";

const LAYERS = 6;
const WIDTH = 96;

interface Start {
  /** Of A. */
  readonly seed: string;
  /** What is drawn for every adapter anew: what training did. */
  readonly training: string;
  readonly rank?: number;
  /** What A was begun with: by the seed, or by the base. @default "uniform" */
  readonly from?: "uniform" | "base";
  /** One start for all layers. */
  readonly copied?: boolean;
}

/** A LoRA of q and v, whose A's have all moved along what flows through one base, each row by its own share. */
function adapter({ seed, training, rank = 8, from = "uniform", copied = false }: Start): Model {
  const tensors: [string, ReturnType<typeof drawn>][] = [];
  const moved = prng(`moved ${training}`);
  for (let layer = 0; layer < LAYERS; layer++) {
    const flow = prng(`flow ${layer}`);
    const direction = Float32Array.from({ length: WIDTH }, () => flow.normal());
    for (const use of ["q", "v"]) {
      const random = prng(`start ${from === "base" ? "of the base" : seed} ${copied ? 0 : layer} ${copied ? "" : use}`);
      const values = Float32Array.from({ length: rank * WIDTH }, () =>
        from === "base" ? random.normal() : 2 * random.float() - 1,
      );
      for (let k = 0; k < rank; k++) {
        const share = 0.1 * moved.normal();
        for (let j = 0; j < WIDTH; j++) values[k * WIDTH + j]! += share * direction[j]!;
      }
      const name = `base_model.model.model.layers.${layer}.self_attn.${use}_proj`;
      tensors.push([`${name}.lora_A.weight`, { shape: [rank, WIDTH], dtype: "F32", values }]);
      tensors.push([`${name}.lora_B.weight`, drawn([WIDTH, rank], `b ${training} ${layer} ${use}`)]);
    }
  }
  return new Map(tensors);
}

const evidenceOf = async (one: Start, other: Start) =>
  startEvidence(await checkpointOf(adapter(one)), await checkpointOf(adapter(other)));

describe("the starts of two adapters", () => {
  it("are the same where one seed began both, in nearly every module", async () => {
    const found = await evidenceOf({ seed: "1", training: "a" }, { seed: "1", training: "b" });
    if (typeof found === "string") throw new Error(found);
    expect(found).toMatchObject({ modules: 12, agreeing: 12, layers: 6 });
    expect(found.tests.fixedLog10P).toBeLessThan(-20);
  });

  it("are not the same for what one base gave to both", async () => {
    const tails: number[] = [];
    for (let i = 0; i < 40; i++) {
      const found = await evidenceOf({ seed: `x${i}`, training: `a${i}` }, { seed: `y${i}`, training: `b${i}` });
      if (typeof found === "string") throw new Error(found);
      tails.push(Math.min(found.tests.swapLog10P, found.tests.fixedLog10P));
    }
    expect(Math.min(...tails)).toBeGreaterThan(-3.5);
    expect(tails.filter((tail) => tail < -1.5).length).toBeLessThanOrEqual(6);
  });

  it("are not asked where the base may have given them, or nothing is left of them", async () => {
    const base = { seed: "1", training: "a", from: "base" } as const;
    expect(await evidenceOf(base, { ...base, training: "b" })).toBe("no-start-left");
    expect(await evidenceOf({ seed: "1", training: "a", rank: 4 }, { seed: "1", training: "b", rank: 4 })).toBe(
      "few-ranks",
    );
    expect(await evidenceOf({ seed: "1", training: "a", rank: 16 }, { seed: "1", training: "b" })).toBe(
      "no-common-modules",
    );
    const copied = { seed: "1", training: "a", copied: true };
    expect(await evidenceOf(copied, { seed: "1", training: "b", copied: true })).toBe("copied-starts");
  });

  it("make a claim of the start alone, and none of a base", async () => {
    const subject = async (name: string, start: Start) => ({
      ...(await subjectOf(adapter(start), { name })),
      checkpoint: await checkpointOf(adapter(start)),
    });
    const [one, other, third] = [
      await subject("one", { seed: "1", training: "a" }),
      await subject("other", { seed: "1", training: "b" }),
      await subject("third", { seed: "2", training: "c" }),
    ];
    const alike = await compareSubjects(one, other, { deep: true });
    expect(alike).toMatchObject({ verdict: "shared-init", direction: "not-established", relations: [], parents: [] });
    expect(alike.summary).toBe(
      "one began with the same random A's as other (one seed), or one was trained on from the other; that they share a base is not shown.",
    );
    const apart = await compareSubjects(one, third, { deep: true });
    expect(apart.verdict).toBe("no-evidence");
    expect(apart.summary).toMatch(/Whether they share a base was not tested\.$/);
    expect((await compareSubjects(one, other)).verdict).toBe("not-testable");
    expect((await compareSubjects(one, one, { deep: true })).verdict).toBe("identical");
  });
});
