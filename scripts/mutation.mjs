// Mutation testing: changes the sources a little, again and again, and counts what no test notices. Stryker comes from the npm
// registry into .cache/, for nothing else needs it. Takes from minutes (a file) to hours (a folder).
//
//   npm run test:mutation -- formats|numerics|lineage [--every N | --own] [FILE ...]
//
// --every N tests one mutant of N, drawn by its place and text, of all files in one run. --own tries each file on the tests that
// import it, and on no others; files that no test imports are left out. Needs the build.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { isDrawn } from "./mutation-sample.mjs";

const VERSION = "9";
const FOLDERS = {
  formats: ["tests/unit/formats", "tests/property/safetensors.property.test.ts"],
  numerics: ["tests/unit/numerics"],
  lineage: ["tests/unit/lineage", "tests/unit/deep"],
};
/** What a mutant may take beyond the time that the tests take: a machine may be busy. */
const TIMEOUT_MS = 20_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { every: { type: "string", default: "1" }, own: { type: "boolean", default: false } },
});
const [folder, ...files] = positionals;
const tests = FOLDERS[folder];
if (tests === undefined) throw new Error(`name one of ${Object.keys(FOLDERS).join(", ")}`);

// Tests that work on threads load what was built.
if (!existsSync(join(root, "dist", "workers"))) throw new Error("run npm run build first");

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
const setup = join(root, "vitest.mutation.setup.mjs");
// Properties are named with their seeds, and mutants are tried on tests by name.
writeFileSync(setup, `import { configureGlobal } from "fast-check";\nconfigureGlobal({ seed: 1 });\n`);
const settings = join(root, "vitest.mutation.config.mjs");
const report = join(place, "report.json");
const configuration = join(place, "stryker.config.json");

/** Has vitest run these tests, by their paths or patterns of them. */
function choose(patterns) {
  const excluded = ["**/{architectures,null,turned-families}.slow.test.ts", "**/*.mocked.test.ts"];
  const test = {
    setupFiles: ["vitest.mutation.setup.mjs"],
    include: patterns,
    exclude: excluded,
    testTimeout: 900_000,
  };
  writeFileSync(settings, `export default ${JSON.stringify({ test })};\n`);
}

/** The tests of the folder that import a file. */
function testsOf(file) {
  const path = file.slice(`src/${folder}`.length);
  const places = tests.filter((test) => !test.endsWith(".ts"));
  const all = places.flatMap((place) => readdirSync(join(root, place)).map((name) => `${place}/${name}`));
  return all.filter(
    (test) => test.endsWith(".test.ts") && readFileSync(join(root, test), "utf8").includes(`/src/${folder}${path}"`),
  );
}

/**
 * The mutants of some files as Stryker reports them, by file. Where every mutant is tried, files changed all at once would slow
 * each other down by a factor of forty.
 *
 * @param places files, or lines of files, that are changed
 * @param related whether only tests that load the files are loaded; Stryker fails, and this gives null, where there is none
 */
function mutate(places, related) {
  const config = {
    testRunner: "vitest",
    plugins: [
      pathToFileURL(join(place, "node_modules", packages[1], "dist", "src", "index.js")).href,
      new URL("mutation-sample.mjs", import.meta.url).href,
    ],
    checkers: values.every === "1" ? [] : ["sample"],
    vitest: { configFile: "vitest.mutation.config.mjs", related },
    mutate: places,
    ignorePatterns: [".cache", "coverage", "benchmarks/out"],
    coverageAnalysis: "perTest",
    // What runs when a module is loaded would have all tests run anew, each in a process of its own.
    ignoreStatic: true,
    timeoutMS: TIMEOUT_MS,
    dryRunTimeoutMinutes: 30,
    tempDirName: join(".cache", "stryker-sandbox"),
    reporters: ["json"],
    jsonReporter: { fileName: report },
    // The compiler of version 7 has no interface that Stryker knows, which reads no configuration that is not there.
    tsconfigFile: "none.json",
    disableTypeChecks: false,
    logLevel: "warn",
  };
  writeFileSync(configuration, JSON.stringify(config));
  const program = join(place, "node_modules", packages[0], "bin", "stryker.js");
  const env = { ...process.env, MUTATION_EVERY: values.every };
  const { status } = spawnSync(process.execPath, [program, "run", configuration], { cwd: root, env, stdio: "ignore" });
  if (status !== 0) return null;
  return Object.entries(JSON.parse(readFileSync(report, "utf8")).files).map(([file, { mutants }]) => [file, mutants]);
}

/** The lines of some files in which a mutant is drawn. */
async function drawnPlaces(files) {
  const { Instrumenter } = await import(
    pathToFileURL(join(place, "node_modules", "@stryker-mutator", "instrumenter", "dist", "src", "index.js")).href
  );
  const quiet = { debug() {}, info() {}, isDebugEnabled: () => false };
  const sources = files.map((name) => ({ name, mutate: true, content: readFileSync(join(root, name), "utf8") }));
  const options = { plugins: null, ignorers: [], excludedMutations: [] };
  const { mutants } = await new Instrumenter(quiet).instrument(sources, options);
  const drawn = mutants.filter(({ fileName: file, location: { start, end }, replacement }) =>
    isDrawn({ file, start, end, replacement }, Number(values.every)),
  );
  return [
    ...new Set(
      drawn.map(({ fileName, location }) => `${fileName}:${location.start.line + 1}-${location.end.line + 1}`),
    ),
  ];
}

const total = { noticed: 0, late: 0, survived: 0, uncovered: 0 };
console.log(
  "| file | noticed | by time-out | survived | without a test | score |\n| --- | --- | --- | --- | --- | --- |",
);
try {
  const names = readdirSync(join(root, "src", folder), { recursive: true, encoding: "utf8" });
  const own = names.filter((name) => name.endsWith(".ts")).map((name) => `src/${folder}/${name}`);
  const chosen = files.length > 0 ? files : own.sort();
  const tried = values.own ? chosen.filter((file) => testsOf(file).length > 0) : chosen;
  const runs = values.every === "1" ? tried.map((file) => [file]) : [await drawnPlaces(tried)];
  for (const places of runs) {
    choose(values.own ? testsOf(places[0]) : include);
    const changed = mutate(places, true) ?? mutate(places, false);
    if (changed === null) throw new Error(`Stryker failed on ${places.join(", ")}`);
    for (const [file, mutants] of changed) tell(file, mutants);
  }
  print("all", total);
} finally {
  rmSync(settings, { force: true });
  rmSync(setup);
}

/** What became of a file's mutants, and those that no test noticed. */
function tell(file, mutants) {
  const count = (...kinds) => mutants.filter(({ status }) => kinds.includes(status)).length;
  const found = {
    noticed: count("Killed", "Timeout"),
    late: count("Timeout"),
    survived: count("Survived"),
    uncovered: count("NoCoverage"),
  };
  for (const key of Object.keys(total)) total[key] += found[key];
  if (Object.values(found).some((number) => number > 0)) print(file, found);
  for (const { status, location, replacement } of mutants) {
    if (status !== "Survived" && status !== "NoCoverage") continue;
    const text = readFileSync(join(root, file), "utf8").split("\n")[location.start.line - 1].trim();
    console.log(`    ${file}:${location.start.line}:${location.start.column} ${status}: ${text}  =>  ${replacement}`);
  }
}

/** The score: mutants that a test noticed, as a share of those that some test could. */
function print(name, { noticed, late, survived, uncovered }) {
  const score = (100 * noticed) / Math.max(1, noticed + survived + uncovered);
  console.log(`| ${name} | ${noticed} | ${late} | ${survived} | ${uncovered} | ${score.toFixed(1)} % |`);
}
