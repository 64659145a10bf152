import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { "date-time": true } });

/** A schema; those that it refers to are known to the validator before. */
function published(name: string): object {
  const text = readFileSync(new URL(`../../schemas/${name}.json`, import.meta.url), "utf8");
  for (const [, other] of text.matchAll(/"\$ref": "urn:weightmark:schema:([^"]+)"/g)) {
    if (ajv.getSchema(`urn:weightmark:schema:${other}`) === undefined) ajv.addSchema(published(other!));
  }
  return JSON.parse(text);
}

/** The value if the published schema `name` ("compare@1") accepts it; throws what is wrong otherwise. */
export function requireValid<T = Record<string, unknown>>(name: string, value: unknown): T {
  const validate = ajv.getSchema(`urn:weightmark:schema:${name}`) ?? ajv.compile(published(name));
  if (!validate(value)) throw new Error(`${name}: ${ajv.errorsText(validate.errors)}`);
  return value as T;
}
