// Writes schemas/*.json from the zod schemas in dist; with --check only compares, and fails when they differ.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { jsonSchemas } from "../dist/src/report/schemas/index.js";

const directory = new URL("../schemas/", import.meta.url);
const wanted = new Map(
  [...jsonSchemas()].map(([name, schema]) => [`${name}.json`, `${JSON.stringify(schema, null, 2)}\n`]),
);
mkdirSync(directory, { recursive: true });
const present = new Map(readdirSync(directory).map((file) => [file, readFileSync(new URL(file, directory), "utf8")]));
const stale = [...new Set([...wanted.keys(), ...present.keys()])].filter(
  (file) => wanted.get(file) !== present.get(file),
);

if (process.argv.includes("--check")) {
  for (const file of stale)
    console.error(`schemas/${file} is not what the sources say: run node scripts/build-schemas.mjs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const file of stale) {
    const text = wanted.get(file);
    if (text === undefined) rmSync(new URL(file, directory));
    else writeFileSync(new URL(file, directory), text);
  }
}
