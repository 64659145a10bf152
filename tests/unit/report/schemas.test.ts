import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { jsonSchemas } from "../../../src/report/schemas/index.ts";

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));

it("the published schemas are those of the sources", () => {
  const published = readdirSync(path("schemas")).sort();
  expect(published).toEqual([...jsonSchemas().keys()].map((name) => `${name}.json`).sort());
  for (const [name, schema] of jsonSchemas()) {
    expect(JSON.parse(readFileSync(path(`schemas/${name}.json`), "utf8")), name).toEqual(schema);
  }
});

it("the script agrees", () => {
  execFileSync(process.execPath, [path("scripts/build-schemas.mjs"), "--check"], { stdio: "pipe" });
});

it("every schema is valid 2020-12 and refuses unknown fields", () => {
  for (const [name, schema] of jsonSchemas()) {
    const ajv = new Ajv2020({ strict: true, formats: { "date-time": true } });
    expect(ajv.validateSchema(schema), name).toBe(true);
    expect(schema, name).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
    });
  }
});
