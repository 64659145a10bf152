import { linkSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import type { ErrorReport, ScanItemReport, ScanSummaryReport } from "../../src/report/schemas/index.ts";
import { type CommandResult, type CommandServer, startCommandServer } from "./command.ts";
import { requireValid } from "./schemas.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { changed, tinyModel, writeModel } from "./tiny-model.ts";

export const HOSTILE = "evil\u001b[2J\u202e](x)";

/** As many as take long enough to be stopped among them. */
export const MANY = 16;

/** What every scan of the stored models has; `--jobs 0` costs no threads. */
export const WITH = ["--registry", "bases", "--no-cache", "--no-progress", "--jobs", "0"];

interface ScanCommand {
  readonly root: string;
  /** A path below the root. */
  at(...path: string[]): string;
  readonly server: CommandServer;
  /** A scan in the root, by the server. */
  quick(args: readonly string[]): Promise<CommandResult>;
  /** Options that name a journal which no scan before had. */
  ownJournal(): string[];
}

/** The built command in a server and a directory of the calling test file's own, which are gone after its tests. */
export function scanCommand(): ScanCommand {
  const root = scratchDirectory();
  const at = (...path: string[]) => join(root, ...path);
  const server = startCommandServer();
  afterAll(() => server.stop());
  let journals = 0;
  return {
    root,
    at,
    server,
    quick: (args) => server.run(["scan", ...args], root),
    ownJournal: () => ["--journal", at(`journal-${++journals}`)],
  };
}

/** Writes a few models below `models`, of which `models/base` alone is registered, and `MANY` others below `many`. */
export async function storeModels({ root, at, server }: ScanCommand): Promise<void> {
  const base = tinyModel(1);
  writeModel(at("models", "base"), base);
  writeModel(at("models", "nested", "tuned"), changed(base, 3, 0.2));
  writeModel(at("models", HOSTILE), tinyModel(5));
  mkdirSync(at("models", "copy"));
  linkSync(at("models", "base", "model.safetensors"), at("models", "copy", "model.safetensors"));
  symlinkSync(at("many"), at("models", "outside"));
  for (let i = 0; i < MANY; i++) writeModel(at("many", `m${String(i).padStart(2, "0")}`), tinyModel(100 + i));
  const added = await server.run(["registry", "add", "models/base", "--root", "--registry", "bases"], root);
  expect(added, added.stderr).toMatchObject({ exitCode: 0 });
}

export function linesOf(result: CommandResult): { items: ScanItemReport[]; summary: ScanSummaryReport } {
  const lines = result.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const summary = requireValid<ScanSummaryReport>("scan-summary@1", lines.pop());
  return { items: lines.map((line) => requireValid<ScanItemReport>("scan-item@1", line)), summary };
}

export const errorOf = (result: CommandResult) => requireValid<ErrorReport>("error@1", JSON.parse(result.stderr)).error;
