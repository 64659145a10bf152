import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { readArchive } from "../../../src/registry/archive.ts";
import { digestOf } from "../../../src/registry/digest.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const BYTES = serializeFingerprint(randomFingerprint({ seed: 1, layers: 1 }));
const PART = { component: "vision", of: "ab".repeat(32) };
const NESTED = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;

/** An archive of one entry, whose part has something more in it, and a check that is right without it, wrong, or none. */
async function read(check: "right" | "wrong" | "none") {
  const about = { name: "a", root: false, parts: [PART], addedAt: null, digest: digestOf(BYTES) };
  const checks = {
    right: { check: digestOf(JSON.stringify(about)).slice(0, 32) },
    wrong: { check: "0".repeat(32) },
    none: {},
  };
  const entry = JSON.stringify({ ...about, data: Buffer.from(BYTES).toString("base64"), ...checks[check] });
  const path = join(temporaryDirectory(), "archive.jsonl");
  const line = entry.replace('{"component"', `{"other":${NESTED},"component"`);
  writeFileSync(path, `{"schema":"weightmark/registry-archive@1","entries":1}\n${line}\n`);
  const items = [];
  for await (const item of readArchive(path)) items.push(item);
  return items;
}

describe("an archive by another hand", () => {
  it("gives nothing but what parts have, for what else is there may be nested without end", async () => {
    for (const check of ["right", "none"] as const) expect((await read(check))[0]!.parts).toStrictEqual([PART]);
    await refusal(read("wrong"), "ARCHIVE_MALFORMED");
  });
});
