// Mutation testing: changes the sources a little, again and again, and counts what no test notices. Stryker comes from the npm
// registry into .cache/, for nothing else needs it. Takes from minutes (a file) to hours (a folder).
//
//   npm run test:mutation -- formats|numerics|lineage [--every N] [FILE ...]
//
// --every N tests one mutant of N, drawn by its place and text.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const VERSION = "9";
const FOLDERS = {
  formats: ["tests/unit/formats", "tests/property/safetensors.property.test.ts"],
  numerics: ["tests/unit/numerics"],
  lineage: ["tests/unit/lineage"],
};
/** What a mutant may take beyond the time that the tests take: a machine may be busy. */
const TIMEOUT_MS = 20_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const { positionals, values } = parseArgs({ allowPositionals: true, options: { every: { type: "string", default: "1" } } });
const [folder, ...files] = positionals;
const tests = FOLDERS[folder];
if (tests === undefined) throw new Error(`name one of ${Object.keys(FOLDERS).join(", ")}`);

const place = join(root, ".cache", "stryker");
const packages = ["core", "vitest-runner"].map((name) => `@stryker-mutator/${name}`);
if (!packages.every((name) => existsSync(join(place, "node_modules", name)))) {
  mkdirSync(place, { recursive: true });
  const named = packages.map((name) => `${name}@${VERSION}`);
  execFileSync("npm", ["install", "--silent", "--no-save", "--legacy-peer-deps", "--prefix", place, ...named], {
    stdio: "inherit",
  });
}

const include = tests.map((test) => (test.endsWith(".ts") ? test : `${test}/**/*.test.ts`));
const vitest = `export default { test: { include: ${JSON.stringify(include)}, exclude: ["**/*.slow.test.ts", "**/*.mocked.test.ts"], testTimeout: 900000 } };\n`;
const settings = join(root, "vitest.mutation.config.mjs");
writeFileSync(settings, vitest);
const report = join(place, `${folder}.json`);
const config = {
  testRunner: "vitest",
  plugins: [
    pathToFileURL(join(place, "node_modules", packages[1], "dist", "src", "index.js")).href,
    new URL("mutation-sample.mjs", import.meta.url).href,
  ],
  checkers: values.every === "1" ? [] : ["sample"],
  vitest: { configFile: "vitest.mutation.config.mjs", related: false },
  mutate: files.length > 0 ? files : [`src/${folder}/**/*.ts`],
  ignorePatterns: [".cache", "coverage", "benchmarks/out", "examples"],
  coverageAnalysis: "perTest",
  // What runs when a module is loaded would have all tests run anew, each in a process of its own.
  ignoreStatic: true,
  timeoutMS: TIMEOUT_MS,
  tempDirName: join(".cache", "stryker-sandbox"),
  reporters: ["progress-append-only", "json"],
  jsonReporter: { fileName: report },
  // The compiler of version 7 has no interface that Stryker knows, which reads no configuration that is not there.
  tsconfigFile: "none.json",
  disableTypeChecks: false,
};
const path = join(place, "stryker.config.json");
writeFileSync(path, JSON.stringify(config));
const { status } = spawnSync(
  process.execPath,
  [join(place, "node_modules", packages[0], "bin", "stryker.js"), "run", path],
  {
    cwd: root,
    env: { ...process.env, MUTATION_EVERY: values.every },
    stdio: "inherit",
  },
);
rmSync(settings);
if (status === 0) print(JSON.parse(readFileSync(report, "utf8")));
process.exitCode = status ?? 1;

/** The score of each file and of all: mutants that a test noticed, as a share of those that some test could. */
function print({ files: mutated }) {
  const rows = Object.entries(mutated).map(([name, { mutants }]) => {
    const count = (...kinds) => mutants.filter((mutant) => kinds.includes(mutant.status)).length;
    return { name, noticed: count("Killed", "Timeout"), survived: count("Survived"), uncovered: count("NoCoverage") };
  });
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  rows.push({ name: "all", noticed: sum("noticed"), survived: sum("survived"), uncovered: sum("uncovered") });
  console.log("| file | noticed | survived | without a test | score |\n| --- | --- | --- | --- | --- |");
  for (const { name, noticed, survived, uncovered } of rows) {
    const score = (100 * noticed) / Math.max(1, noticed + survived + uncovered);
    console.log(`| ${name} | ${noticed} | ${survived} | ${uncovered} | ${score.toFixed(1)} % |`);
  }
}
