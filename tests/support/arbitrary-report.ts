import fc from "fast-check";
import { jsonSchemas } from "../../src/report/schemas/index.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** Names that would like to be more than names. */
export const HOSTILE_NAMES: readonly string[] = [
  "<script>alert(1)</script>",
  "</title></style></script><img src=x onerror=alert(1)>",
  `"><svg onload=alert(1)>`,
  "' onmouseover='alert(1)",
  "`onfocus=alert(1) autofocus x=`",
  "javascript:alert(1)",
  "&lt;b&gt;&#x3c;script>",
  "<!--",
  "-->",
  "]]>",
  "<![CDATA[x",
  "<?xml x?>",
  "</td></tr></table></main><base href=//evil>",
  "<meta http-equiv=refresh content=0;url=//evil>",
  "url(//evil) } body { display:none } ",
  "$&$1$`",
  "a\u202egnp.exe",
  "\u2066x\u2069",
  "\u200e\u200f\u061c",
  "\u2028\u2029",
  "\u0000",
  "\u001b[31m",
  "\r\n",
  "\ud800",
  "\udfff",
  "\ufeff",
  "\ufffe",
  "\u{e0041}",
  "עברית.safetensors",
  "模型",
  "👩‍👩‍👧",
  "é̶̷̸".repeat(9),
  "",
  " ",
  "-o",
  "--key",
  "$(rm -rf ~)",
  "a'b",
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "x".repeat(5000),
  "<".repeat(3000),
];

const text = fc.oneof(
  fc.constantFrom(...HOSTILE_NAMES),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ maxLength: 12 }),
);

/** Numbers of every size, the ends of what a double holds among them. */
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MAX_SAFE_INTEGER),
);

function ofSchema(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return arbitraryReport(schema.$ref.replace("urn:weightmark:schema:", ""));
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const ways = schema.anyOf ?? schema.oneOf;
  if (ways !== undefined) return fc.oneof(...ways.map(ofSchema));
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type: string) => ofSchema({ ...schema, type })));
  const within = (value: number): number =>
    Math.min(schema.maximum ?? Number.MAX_VALUE, Math.max(schema.minimum ?? -Number.MAX_VALUE, value));
  switch (schema.type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.oneof(fc.integer({ min: within(-3), max: within(300) }), fc.constantFrom(within(-1e9), within(1e9)));
    case "number":
      return numbers.map((value) => (schema.exclusiveMinimum === undefined ? within(value) : Math.abs(value) + 1e-9));
    case "string":
      if (schema.format === "date-time") return fc.constant("2026-01-02T03:04:05.678Z");
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
      return schema.maxLength === undefined ? text : text.map((free) => free.slice(0, schema.maxLength));
    case "array":
      return fc.array(ofSchema(schema.items!), { minLength: schema.minItems ?? 0, maxLength: schema.maxItems ?? 4 });
    case "object":
      return objectOf(schema);
    default:
      throw new TypeError(`a schema of a kind that is not generated: ${JSON.stringify(schema)}`);
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  if (typeof additionalProperties === "object")
    return fc.dictionary(fc.string(), ofSchema(additionalProperties), { maxKeys: 3 });
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, ofSchema(schema)]));
  return fc.record(fields, { requiredKeys: [...required] });
}

/** Any result that the schema `name` ("compare@1") accepts, with hostile strings wherever a string is free. */
export function arbitraryReport(name: string): fc.Arbitrary<unknown> {
  const any = ofSchema(jsonSchemas().get(name) as Schema);
  return name === "commit@1" ? any.map(withRelease) : any;
}

/** Which names a release may have stands in no schema. */
function withRelease(value: unknown): unknown {
  const report = value as { statement: { key: object } };
  const key = { ...report.statement.key, release: "release 1 <b>" };
  return { ...report, statement: { ...report.statement, key } };
}
