import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { "date-time": true } });

/** The value if the published schema `name` ("compare@1") accepts it; throws what is wrong otherwise. */
export function requireValid<T = Record<string, unknown>>(name: string, value: unknown): T {
  const schema = JSON.parse(readFileSync(new URL(`../../schemas/${name}.json`, import.meta.url), "utf8")) as {
    $id: string;
  };
  const validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  if (!validate(value)) throw new Error(`${name}: ${ajv.errorsText(validate.errors)}`);
  return value as T;
}
