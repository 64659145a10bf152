import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { addResults, newCase, sealCase } from "../../../src/case/index.ts";
import type { CompareReport } from "../../../src/report/schemas/index.ts";
import { caseFiles, readSealed, SEALER, WHEN } from "../../support/case-files.ts";
import { signerOf } from "../../support/signed-model.ts";

/** Where two models lay whose parts have one name, or lay on another system; and what a case calls them. */
const PLACES: readonly (readonly [suspect: string, base: string, names: readonly string[]])[] = [
  ["/home/alice/new/model", "/home/alice/old/model", ["model", "model-2"]],
  ["alice/new/model", "alice/old/model", ["model", "model-2"]],
  ["../alice/model", "~/alice/model", ["model", "model-2"]],
  ["C:\\Users\\alice\\s.safetensors", "\\\\server\\alice\\b.safetensors", ["s.safetensors", "b.safetensors"]],
  ["file:///home/alice/s", "/home/alice/ad+/home/alice/b", ["s", "b"]],
  ["hf:org/ad+/home/alice/b", "/home/alice/x.tar!/home/alice/b", ["ad+b", "b"]],
  ["https://h.org/s?token=alice", "https://alice:word@h.org/b", ["s", "b"]],
];

describe("a case that is sealed without paths", () => {
  it.each(PLACES)(
    "has none in the names of its inputs, nor secrets of addresses: %j %j",
    async (suspect, base, names) => {
      const files = await caseFiles();
      const text = readFileSync(files.result, "utf8");
      const result = JSON.parse(text) as CompareReport;
      const moved = [
        [result.inputs.suspect.location, suspect],
        [result.inputs.base.location, base],
      ].reduce(
        (all, [from, to]) => all.replaceAll(JSON.stringify(from).slice(1, -1), JSON.stringify(to).slice(1, -1)),
        text,
      );
      const { caveats, ...rest } = JSON.parse(moved) as CompareReport;
      const alone = base.split("+").map((side) => `${side} by itself`);
      writeFileSync(files.result, JSON.stringify({ ...rest, caveats: [...caveats, ...alone] }));
      await newCase(files.open, { title: "t", ...WHEN });
      const { inputs } = await addResults(files.open, [files.result], WHEN);
      expect(inputs.map(({ name }) => name)).toEqual(names);
      await sealCase(files.open, files.sealed, signerOf(SEALER), { redactPaths: true, ...WHEN });
      expect(JSON.stringify(readSealed(files.sealed).statement)).not.toMatch(/alice/i);
    },
  );

  it("calls models of the Hub as the Hub has them", async () => {
    const files = await caseFiles();
    const result = JSON.parse(readFileSync(files.result, "utf8")) as CompareReport;
    const { suspect, base } = result.inputs;
    const commit = "a1b2c3d".padEnd(40, "0");
    const inputs = {
      suspect: { ...suspect, location: `hf:org/model@${commit}` },
      base: { ...base, location: `/home/alice/hub/models--acme--base/snapshots/${commit}` },
    };
    writeFileSync(files.result, JSON.stringify({ ...result, inputs }));
    await newCase(files.open, { title: "t", ...WHEN });
    const document = await addResults(files.open, [files.result], WHEN);
    expect(document.inputs.map(({ name }) => name)).toEqual(["org/model@a1b2c3d", "acme/base@a1b2c3d"]);
  });
});
