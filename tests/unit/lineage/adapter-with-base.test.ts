import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { openSubject } from "../../../src/lineage/open-subject.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");
const [ADAPTER, BASE, OTHER] = ["adapter", "models/base-a", "models/base-b"].map((path) => join(EXAMPLES, path)) as [
  string,
  string,
  string,
];

describe("an adapter named with its base", () => {
  it("derives from the base, by LoRA and its rank, and it is said that the base was given", async () => {
    await using suspect = await openSubject(`${ADAPTER}+${BASE}`);
    await using base = await openSubject(BASE, { root: true });
    const found = await compareSubjects(suspect, base);
    expect(found).toMatchObject({ verdict: "derived", direction: "suspect-from-base", relations: ["lora"] });
    expect(found.difference.loraRank).toBe(8);
    expect(found.summary).toBe("adapter+base-a derives from base-a.");
    expect(found.caveats[0]).toBe(
      `adapter+base-a: an adapter with the weights of ${BASE}, which were named with it: what agrees are these, and that the adapter was trained on them is not shown (compare the adapter alone)`,
    );
    await using other = await openSubject(OTHER, { root: true });
    expect((await compareSubjects(suspect, other)).verdict).toBe("no-evidence");
  });

  it("has one fingerprint, whatever is read and by however many threads", async () => {
    const digests = new Set<string>();
    for (const threads of [0, 2]) {
      await using subject = await openSubject(ADAPTER, { base: BASE, depth: "full", threads });
      digests.add(JSON.stringify(subject.fingerprint.roots));
    }
    expect(digests.size).toBe(1);
    expect(JSON.parse([...digests][0]!).content).toMatch(/^[0-9a-f]{64}$/);
  });
});
