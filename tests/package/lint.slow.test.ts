import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { expect, test } from "vitest";
import { scratchDirectory } from "../support/scratch-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const directory = scratchDirectory();

test("publint has nothing against the package", async () => {
  const { messages, pkg } = await publint({ pkgDir: ROOT, level: "suggestion", strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test("types are right wherever the package is imported from", async () => {
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", directory], { cwd: ROOT });
  const [tarball] = readdirSync(directory);
  const result = await checkPackage(createPackageFromTarballData(readFileSync(join(directory, tarball!))));
  if (result.types === false) throw new Error("the package has no types");
  const entries = Object.keys(result.entrypoints);
  expect(entries).toEqual(
    expect.arrayContaining([".", "./registry", "./scan", "./watermark", "./quality", "./report"]),
  );
  // Modules are ES modules, which Node from 20.19 on hands to require as well; subpaths need a resolution that reads exports.
  const isKnown = ({ kind, ...where }: (typeof result.problems)[number]) =>
    kind === "CJSResolvesToESM" || ("resolutionKind" in where && where.resolutionKind === "node10");
  expect(result.problems.filter((problem) => !isKnown(problem))).toEqual([]);
});
