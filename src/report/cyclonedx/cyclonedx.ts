import { createHash, randomUUID } from "node:crypto";
import { toJson } from "../escape.ts";
import { jsonArray, type ScanExport } from "../scan/export.ts";
import { modelComponent } from "./component.ts";

/**
 * The models of a scan as a CycloneDX 1.7 ML-BOM (ECMA-424), in pieces. Every model with a result is a component, whatever
 * the verdict; skipped and failed ones are counted, and make the composition incomplete. With --deterministic the serial
 * number is a name of the content (UUID version 8, RFC 9562), else random, as the standard wants it for every new document.
 */
export async function* cycloneDxBom(scan: ScanExport): AsyncGenerator<string> {
  const { run } = scan;
  const digest = createHash("sha256");
  for await (const piece of body(scan)) {
    digest.update(piece);
    yield piece;
  }
  const serial = run.startedAt === null ? namedUuid(digest.digest()) : randomUUID();
  yield `,\n"serialNumber":"urn:uuid:${serial}"}\n`;
}

async function* body(scan: ScanExport): AsyncGenerator<string> {
  const { run, summary } = scan;
  const metadata = {
    ...(run.finishedAt === null ? {} : { timestamp: run.finishedAt }),
    tools: { components: [{ type: "application", name: "weightmark", version: run.version }] },
    properties: metadataProperties(scan),
  };
  yield `{"$schema":"http://cyclonedx.org/schema/bom-1.7.schema.json","bomFormat":"CycloneDX","specVersion":"1.7","version":1,\n`;
  yield `"metadata":${toJson(metadata, 0)},\n"components":`;
  yield* jsonArray(components(scan));
  // Never "complete": that nothing else was there is not for a scan to say.
  const missing = summary.skipped + summary.failed > 0 || !summary.complete;
  yield `,\n"compositions":${toJson([{ aggregate: missing ? "incomplete" : "unknown" }], 0)}`;
}

async function* components({ items, endpoint }: ScanExport): AsyncGenerator<object> {
  let count = 0;
  for await (const item of items()) {
    if (item.status !== "done" && item.status !== "duplicate") continue;
    count += 1;
    yield modelComponent(item, `model-${count}`, endpoint);
  }
}

function metadataProperties({ summary }: ScanExport): object[] {
  const { listed, done, duplicates, skipped, failed, marked, registry, depth, complete } = summary;
  const pairs: [string, unknown][] = [
    ["complete", complete],
    ["depth", depth],
    ["listed", listed],
    ["done", done],
    ["duplicates", duplicates],
    ["skipped", skipped],
    ["failed", failed],
    ["marked", marked],
    ...(registry === null ? [] : [["registry", registry.digest] as [string, unknown]]),
    ["limits", "no-evidence does not prove that a model is unrelated to the registered bases"],
  ];
  return pairs.map(([name, value]) => ({ name: `weightmark:${name}`, value: String(value) }));
}

/** The first 122 bits of a digest in the form of a UUID. */
function namedUuid(digest: Uint8Array): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
