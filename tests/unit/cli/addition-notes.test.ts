import { expect, test } from "vitest";
import { additionNotes } from "../../../src/cli/registry/addition-notes.ts";
import type { Fingerprint } from "../../../src/index.ts";
import type { RegistryEntry } from "../../../src/registry/index.ts";

/** Each part has one matrix that a test can use. */
const notesOf = (...components: string[]): Promise<string[]> => {
  const moments = { zeroFraction: 0 };
  const sketches = components.map((component) => ({
    component,
    axis: "channels",
    valid: [true],
    rows: 64,
    cols: 32,
    moments,
  }));
  const fingerprint = { sketches, tensors: [], notes: [] } as unknown as Fingerprint;
  const entry = { name: "net", root: false, parts: [] } as unknown as RegistryEntry;
  return additionNotes(fingerprint, entry, { parts: [], containers: [], unread: [] });
};

test("parts of one matrix each are tested together, and a single one is not", async () => {
  expect(await notesOf("first", "second")).toEqual([
    expect.stringMatching(
      /^no part of it can be tested by itself, .*only where matrices of several parts agree \(first: /,
    ),
  ]);
  for (const components of [["first"], ["first", "embeddings"]]) {
    expect(await notesOf(...components)).toEqual([
      expect.stringMatching(/^nothing of it can be tested, .*equal files only/),
    ]);
  }
});
