import { expect, it, vi } from "vitest";
import type { CandidateSource } from "../../../src/lineage/candidate-source.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";

const seen = vi.hoisted((): { bases: Subject[] } => ({ bases: [] }));

vi.mock("../../../src/lineage/compare.ts", async (original) => {
  const { compareSubjects, ...rest } = await original<typeof import("../../../src/lineage/compare.ts")>();
  const recording: typeof compareSubjects = (suspect, base, options) => {
    seen.bases.push(base);
    return compareSubjects(suspect, base, options);
  };
  return { ...rest, compareSubjects: recording };
});

it("a comparison knows which components of a registered base come from elsewhere", async () => {
  const fingerprint = randomFingerprint({ seed: 1 });
  const parts = [{ component: "vision", of: "ab".repeat(32) }];
  const registry: CandidateSource = {
    entries: 1,
    digest: "00".repeat(32),
    updatedAt: null,
    candidates: async () => [{ digest: "11".repeat(32), name: "base", root: true, parts, score: 100 }],
    load: async () => fingerprint,
  };
  await identifySubject({ name: "suspect", fingerprint, checkpoint: null, root: false }, registry);
  expect(seen.bases).toMatchObject([{ name: "base", root: true, parts }]);
});
