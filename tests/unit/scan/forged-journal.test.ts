import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mapStrings } from "../../../src/cli/redact.ts";
import { toHex } from "../../../src/fingerprint/hex.ts";
import { blake3 } from "../../../src/kernels/blake3.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { NO_CHECK } from "../../../src/scan/journal/line.ts";
import { refusal } from "../../support/refusal.ts";
import { failedItem, itemOf, parametersOf, scanFinding, scanMark } from "../../support/scan-items.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** A journal with these bodies, and with checks that are right: anyone who writes one anew makes them as well. */
function journalWith(...bodies: readonly string[]): string {
  const path = join(temporaryDirectory(), "journal");
  let check = NO_CHECK;
  let text = "";
  const header = { schema: "weightmark/scan-journal@1", parameters: parametersOf() };
  for (const body of [`"scan":${JSON.stringify(header)}`, ...bodies]) {
    check = toHex(blake3(new TextEncoder().encode(`${check}\n${body}`)).subarray(0, 16));
    text += `{"check":"${check}",${body}}\n`;
  }
  writeFileSync(path, text);
  return path;
}

const itemLine = (item: unknown) => `"item":${JSON.stringify(item)}`;
const resume = (path: string) => openJournal(path, parametersOf(), { mode: "resume" });

/** An item in which every list and every object has something in it. */
const FULL: ScanItem = {
  ...scanFinding("a", { claim: "derives from base-a" }),
  ...{ revision: "0".repeat(40), content: "ab".repeat(32), identity: "x", notes: ["a note"], duplicateOf: "b" },
  ...{ caveats: ["a caveat"], marks: [scanMark()], failure: failedItem("a", true).failure },
};

/** The item with each of its values, at any depth, replaced by what it cannot be, or left out. */
function* spoiled(value: unknown, wrap: (inner: unknown) => unknown): Generator<unknown> {
  for (const other of [{ no: "such" }, -1.5, true, [null]]) {
    if (typeof other !== typeof value || Array.isArray(value)) yield wrap(other);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const into = (next: unknown) =>
      Array.isArray(value) ? value.map((one, i) => (String(i) === key ? next : one)) : { ...value, [key]: next };
    yield* spoiled(inner, (next) => wrap(into(next)));
    const optional = ["identity", "notes", "claim"].includes(key);
    if (!Array.isArray(value) && !optional) yield wrap(into(undefined));
  }
}

describe("a journal that was written by another hand", () => {
  it("is read where its items are items", async () => {
    const items = [FULL, itemOf("b"), failedItem("c", false), itemOf("d", { status: "skipped", parameters: null })];
    const store = await resume(journalWith(...items.map(itemLine)));
    const found: ScanItem[] = [];
    for await (const item of store.items()) found.push(item);
    await store.close();
    expect(found).toEqual(items);
  });

  it("gives nothing but what items have, for what else is there may be nested without end", async () => {
    const nested = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const line = itemLine(FULL).replace('{"id"', `{"other":${nested},"__proto__":{"status":"good"},"id"`);
    expect(line).toContain(nested);
    const store = await resume(journalWith(line.replace('"claim"', `"other":${nested},"claim"`)));
    expect(await store.get("a")).toStrictEqual(FULL);
    for await (const item of store.items()) expect(() => mapStrings(item, (text) => text)).not.toThrow();
    await store.close();
  });

  it("is refused where one is anything else, whatever its check says", async () => {
    const others = [...spoiled(FULL, (item) => item)];
    expect(others.length).toBeGreaterThan(150);
    for (const other of others) {
      await refusal(resume(journalWith(itemLine(itemOf("b")), itemLine(other))), "SCAN_JOURNAL_CORRUPT");
    }
    const words = [
      { failure: { ...FULL.failure, code: "toString" } },
      { verdict: "guilty" },
      { status: "good" },
      { sampledRoot: "short" },
      { matches: [{ ...FULL.matches[0], direction: "up" }] },
    ];
    for (const change of words) {
      await refusal(resume(journalWith(itemLine({ ...FULL, ...change }))), "SCAN_JOURNAL_CORRUPT");
    }
  });

  it.each(['"item":', '"item":{"id":"a"', '"item"', "", '"thing":1', '"0":1', '"item":null', '"item":[]'])(
    "is refused where a line says %j",
    async (body) => {
      await refusal(resume(journalWith(body)), "SCAN_JOURNAL_CORRUPT");
      await refusal(resume(journalWith(itemLine(itemOf("a")), body)), "SCAN_JOURNAL_CORRUPT");
    },
  );
});
