import { createHash, randomUUID } from "node:crypto";
import { toJson } from "../escape.ts";
import { jsonArray } from "../scan/export.ts";
import type { BomSource } from "./bom-source.ts";
import { modelComponent } from "./component.ts";
import { claims, evidences } from "./declarations.ts";
import { property, toolRef } from "./property.ts";

/**
 * Models as a CycloneDX 1.7 ML-BOM (ECMA-424), in pieces. Every model with a result is a component, whatever the verdict; of
 * scans, skipped and failed ones are counted, and make the composition incomplete. Where the same input must give the same
 * bytes the serial number is a name of the content (UUID version 8, RFC 9562), else random, as the standard wants it for every
 * new document.
 */
export async function* cycloneDxBom(source: BomSource): AsyncGenerator<string> {
  const digest = createHash("sha256");
  for await (const piece of body(source)) {
    digest.update(piece);
    yield piece;
  }
  const serial = source.isNamedByContent ? namedUuid(digest.digest()) : randomUUID();
  yield `,\n"serialNumber":"urn:uuid:${serial}"}\n`;
}

async function* body(source: BomSource): AsyncGenerator<string> {
  const { versions, timestamp, isIncomplete } = source;
  const tools = versions.map((version) => ({
    type: "application",
    "bom-ref": toolRef(version),
    name: "weightmark",
    version,
  }));
  const metadata = {
    ...(timestamp === null ? {} : { timestamp }),
    tools: { components: tools },
    properties: [...source.properties, LIMITS].map(([name, value]) => property(name, String(value))),
  };
  yield `{"$schema":"http://cyclonedx.org/schema/bom-1.7.schema.json","bomFormat":"CycloneDX","specVersion":"1.7","version":1,\n`;
  yield `"metadata":${toJson(metadata, 0)},\n"components":`;
  yield* jsonArray(ofEach(source, (model, ref) => [modelComponent(model, ref, source)]));
  // Never "complete": that nothing else was there is not for a tool to say.
  yield `,\n"compositions":${toJson([{ aggregate: isIncomplete ? "incomplete" : "unknown" }], 0)}`;
  yield `,\n"declarations":{"claims":`;
  yield* jsonArray(ofEach(source, claims));
  yield `,\n"evidence":`;
  yield* jsonArray(ofEach(source, evidences));
  yield "}";
}

const LIMITS = [
  "limits",
  "no-evidence does not prove that a model is unrelated to the bases it was held against",
] as const;

type Model = Parameters<typeof claims>[0];

async function* ofEach(
  { models }: BomSource,
  make: (model: Model, ref: string) => Iterable<object>,
): AsyncGenerator<object> {
  let count = 0;
  for await (const model of models()) {
    count += 1;
    yield* make(model, `model-${count}`);
  }
}

/** The first 122 bits of a digest in the form of a UUID. */
function namedUuid(digest: Uint8Array): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
