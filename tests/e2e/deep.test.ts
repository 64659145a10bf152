import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompareReport, IdentifyReport, ScanItemReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { addNoise } from "../support/derive.ts";
import { loraAdapter } from "../support/lora-adapter.ts";
import { type Disguise, obfuscate } from "../support/obfuscate.ts";
import { randomModel } from "../support/random-model.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { fileOf } from "../support/stored-model.ts";

const root = scratchDirectory();
const server = startCommandServer();
const SHAPE = { width: 64, hidden: 160, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320 };

afterAll(() => server.stop());

const base = randomModel({ init: 1 }, { width: 64, hidden: 160, layers: 3, vocabulary: 320 });
const EVERYTHING: Disguise = {
  residual: "rotation",
  neuronOrder: true,
  neuronSigns: true,
  headOrder: true,
  values: "dense",
};

beforeAll(() => {
  const save = (name: string, disguise: Disguise | null): void => {
    const model = disguise === null ? base : obfuscate(addNoise(base, 0.2), SHAPE, disguise, 7);
    writeFileSync(join(root, `${name}.safetensors`), fileOf(model));
  };
  const wide = randomModel({ init: 2 }, { width: 256, hidden: 64, layers: 3, vocabulary: 64 });
  writeFileSync(join(root, "wide.safetensors"), fileOf(wide));
  writeFileSync(join(root, "adapter.safetensors"), fileOf(loraAdapter(wide, 1)));
  save("base", null);
  save("rotated", { residual: "rotation" });
  save("everything", EVERYTHING);
});

const compare = (suspect: string, ...flags: string[]) =>
  server.run(["compare", `${suspect}.safetensors`, "base.safetensors", ...flags], root);

describe("compare --depth deep", () => {
  it("finds a rotated copy, which other depths pass over", async () => {
    expect(JSON.parse((await compare("rotated", "--json")).stdout)).toMatchObject({ verdict: "no-evidence" });
    const { stdout, exitCode } = await compare("rotated", "--depth", "deep", "--json", "--fail-on", "derived");
    const report = JSON.parse(stdout) as CompareReport;
    requireValid("compare@1", report);
    expect(report).toMatchObject({ verdict: "derived", relations: ["obfuscated"] });
    expect(report.deep).toMatchObject({ basis: "exact", moved: ["residual-rotated"] });
    expect(exitCode).toBe(1);
  });

  it("says what it rests on, and that there is no p where no label was left", async () => {
    const { stdout } = await compare("everything", "--depth", "deep");
    expect(stdout).toContain(
      "and no label that could be tested shows it; the residual stream was rotated, neurons were renumbered.",
    );
    expect(stdout).toContain("no exact p-value exists");
    expect(stdout).toMatch(
      /after alignment: gates 0\.\d+, reads and writes 0\.\d+, held-out tokens 0\.\d+; calibrated/,
    );
  });

  it("tells what an adapter was trained on, and that another model has other shapes", async () => {
    const flags = ["--depth", "deep", "--json", "--fail-on", "derived"];
    const { stdout, exitCode } = await server.run(
      ["compare", "adapter.safetensors", "wide.safetensors", ...flags],
      root,
    );
    const report = JSON.parse(stdout) as CompareReport;
    requireValid("compare@1", report);
    expect(report).toMatchObject({ verdict: "derived", relations: ["lora"], deep: { basis: "exact", strength: null } });
    expect(exitCode).toBe(1);
    expect((await compare("adapter", "--depth", "deep")).stdout).toContain("other shapes or layers than the model");
  });

  it("fails on what is calibrated only where that is accepted", async () => {
    const flags = ["--depth", "deep", "--fail-on", "derived"];
    expect((await compare("everything", ...flags)).exitCode).toBe(0);
    expect((await compare("everything", ...flags, "--accept-calibrated")).exitCode).toBe(1);
    expect((await compare("rotated", ...flags)).exitCode).toBe(1);
  });
});

describe("a registry with deep parts", () => {
  const flags = ["--registry", "bases", "--no-cache", "--no-progress", "--jobs", "0"];
  const itemsOf = (stdout: string) =>
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as ScanItemReport)
      .filter(({ schema }) => schema === "weightmark/scan-item@1");

  beforeAll(async () => {
    const added = await server.run(
      ["registry", "add", "base.safetensors", "--root", "--deep", "--registry", "bases"],
      root,
    );
    expect(added.exitCode, added.stderr).toBe(0);
    mkdirSync(join(root, "suspects"));
    copyFileSync(join(root, "rotated.safetensors"), join(root, "suspects", "rotated.safetensors"));
    writeFileSync(join(root, "suspects", "everything.safetensors"), fileOf(obfuscate(base, SHAPE, EVERYTHING, 7)));
  });

  it("lets identify find what was rotated, and counts what has no p only where that is accepted", async () => {
    const identify = (suspect: string, ...more: string[]) =>
      server.run(["identify", `${suspect}.safetensors`, "--registry", "bases", "--fail-on", "derived", ...more], root);
    const { stdout, exitCode } = await identify("rotated", "--json");
    const report = JSON.parse(stdout) as IdentifyReport;
    requireValid("identify@1", report);
    expect(report).toMatchObject({ verdict: "derived", comparison: { deep: { basis: "exact" } } });
    expect(exitCode).toBe(1);
    expect((await identify("everything")).exitCode).toBe(0);
    expect((await identify("everything", "--accept-calibrated")).exitCode).toBe(1);
  });

  it("lets a scan at depth deep find it, which says of what has no p that it is no proof", async () => {
    const scan = (...more: string[]) =>
      server.run(["scan", "suspects", ...flags, "--format", "jsonl", "--fail-on", "shared-init", ...more], root);
    const plain = await scan("--journal", "plain.jsonl");
    expect(itemsOf(plain.stdout).map(({ verdict }) => verdict)).toEqual(["no-evidence", "no-evidence"]);
    expect(plain.exitCode).toBe(0);
    const deep = await scan("--depth", "deep", "--journal", "deep.jsonl");
    const [everything, rotated] = itemsOf(deep.stdout).sort((a, b) => (a.name < b.name ? -1 : 1));
    // Less is kept of either model than where weights are at hand.
    expect(rotated).toMatchObject({ verdict: "shared-init", matches: [{ name: "base.safetensors" }] });
    expect(everything).toMatchObject({ verdict: "no-evidence", matches: [] });
    expect(everything!.summary).toContain("no label that could be tested shows it");
    expect(deep.exitCode).toBe(1);
  });
});

describe("a registry, asked for the base of an adapter alone", () => {
  const add = (registry: string, ...flags: string[]) =>
    server.run(["registry", "add", "wide.safetensors", "base.safetensors", "--registry", registry, ...flags], root);
  const identify = async (registry: string): Promise<IdentifyReport> => {
    const { stdout, stderr } = await server.run(
      ["identify", "adapter.safetensors", "--registry", registry, "--json"],
      root,
    );
    expect(stderr).not.toContain("Error");
    const report = JSON.parse(stdout) as IdentifyReport;
    requireValid("identify@1", report);
    return report;
  };

  beforeAll(async () => {
    expect((await add("kept", "--deep", "--root")).exitCode).toBe(0);
    expect((await add("plain")).exitCode).toBe(0);
    mkdirSync(join(root, "adapters"));
    copyFileSync(join(root, "adapter.safetensors"), join(root, "adapters", "adapter.safetensors"));
  });

  it("finds it among those that keep attention, exactly, and tests no base of another width", async () => {
    const report = await identify("kept");
    expect(report).toMatchObject({ verdict: "derived", comparison: { relations: ["lora"], deep: { basis: "exact" } } });
    expect(report.summary).toContain("was trained on top of wide.safetensors or of a model that shares its labels");
    expect(report.candidates.filter(({ verdict }) => verdict !== "not-testable")).toHaveLength(1);
  });

  it("names the bases that would fit, where those keep nothing", async () => {
    const { verdict, caveats } = await identify("plain");
    expect(verdict).toBe("not-testable");
    const named = caveats.filter((caveat) => caveat.includes("add it again with a deep part"));
    expect(named).toHaveLength(1);
    expect(named[0]).toContain("wide.safetensors");
  });

  it("lets a scan find it, at any depth, from the cache as from the weights", async () => {
    for (const journal of ["first.jsonl", "second.jsonl"]) {
      const { stdout } = await server.run(
        [
          "scan",
          "adapters",
          "--registry",
          "kept",
          "--no-progress",
          "--jobs",
          "0",
          "--format",
          "jsonl",
          "--journal",
          journal,
        ],
        root,
      );
      const [item] = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as ScanItemReport)
        .filter(({ schema }) => schema === "weightmark/scan-item@1");
      expect(item).toMatchObject({ verdict: "derived", matches: [{ name: "wide.safetensors", relations: ["lora"] }] });
    }
  });
});
