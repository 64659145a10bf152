import { readFileSync } from "node:fs";
import { Ajv } from "ajv";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/interchange/${name}`, import.meta.url), "utf8")) as Record<
    string,
    unknown
  >;

// RFC 3986 without the parts nobody sends: what a URI parser splits on may not stand in a name.
const REFERENCE = /^(?:[a-z][a-z0-9+.-]*:)?(?:[\w.~:/?#@!$&'()*+,;=-]|%[0-9A-F]{2}|\[|\])*$/i;
const formats = {
  uri: (text: string) => REFERENCE.test(text) && /^[a-z][a-z0-9+.-]*:/i.test(text),
  "uri-reference": (text: string) => REFERENCE.test(text),
  "iri-reference": (text: string) => REFERENCE.test(text),
  date: /^\d{4}-\d\d-\d\d$/,
  "date-time": (text: string) => !Number.isNaN(Date.parse(text)),
  "idn-email": true as const,
  email: true as const,
};

/** Not strict: both schemas hold keywords of other tools, and one an expression that is none by the newer rules. */
function compile(schema: Record<string, unknown>, others: readonly [string, Record<string, unknown>][] = []) {
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false, formats });
  for (const [id, other] of others) ajv.addSchema(other, id);
  const validate = ajv.compile(schema);
  return (value: unknown): void => {
    if (!validate(value)) throw new Error(ajv.errorsText(validate.errors?.slice(0, 5)));
  };
}

/** Throws what the official schema of SARIF 2.1.0 has against the value. It is draft 4, of which only `id` differs here. */
export function requireSarif(value: unknown): void {
  sarif ??= (() => {
    const { $schema: _, id: __, ...schema } = read("sarif-2.1.0-rtm.5.json");
    return compile(schema);
  })();
  sarif(value);
}
let sarif: ((value: unknown) => void) | null = null;

/** Throws what the official schema of CycloneDX 1.7 has against the value. */
export function requireCycloneDx(value: unknown): void {
  bom ??= compile(
    read("bom-1.7.SNAPSHOT.schema.json"),
    ["cryptography-defs", "jsf-0.82", "spdx"].map((name) => {
      // Under the name by which the first refers to it, which is not the one that it gives itself.
      const { $id: _, ...schema } = read(`${name}.SNAPSHOT.schema.json`);
      return [`http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`, schema];
    }),
  );
  bom(value);
}
let bom: ((value: unknown) => void) | null = null;
