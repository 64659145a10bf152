import { describe, expect, test } from "vitest";
import { FAULTS, patterned } from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";
import { expectBytes, FILE, MIB, servedFile } from "../../../support/served-file.ts";

const http = servedFile();

describe("change", () => {
  test("another ETag between two ranges", async () => {
    const source = await http.open();
    http.server.etag = '"two"';
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
    await refusal(source.prefetch([{ start: MIB, end: MIB + 10 }]), "CHANGED_DURING_READ");
  });

  test("another ETag within a range that broke off", async () => {
    http.server.faults.push(FAULTS.broken(1000, "end"), FAULTS.headers({ etag: '"two"' }));
    await refusal(http.open(), "CHANGED_DURING_READ");
  });

  test("another size", async () => {
    const source = await http.open();
    http.server.file = patterned(FILE.length + 1);
    const error = await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
    expect(error.message).toContain("had 2097152 bytes and now has 2097153");
  });

  test("without a strong ETag the time of the last change counts", async () => {
    http.server.etag = 'W/"one"';
    http.server.headers = { "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
    const source = await http.open();
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    http.server.headers = { "last-modified": "Thu, 01 Jan 2026 00:00:01 GMT" };
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
    http.server.headers = {};
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });

  test("a file that is not what was listed", async () => {
    const sha256 = "ab".repeat(32);
    await refusal(http.open({ expected: { size: 5, sha256: null } }), "CHANGED_DURING_READ");
    http.server.headers = { "x-linked-etag": `"${"cd".repeat(32)}"` };
    await refusal(http.open({ expected: { size: FILE.length, sha256 } }), "CHANGED_DURING_READ");
    http.server.headers = { "x-linked-etag": `"${sha256}"` };
    expect((await http.open({ expected: { size: FILE.length, sha256 } })).size).toBe(FILE.length);
  });

  test("verifyUnchanged asks once, and not at all of what is pinned", async () => {
    const pinned = await http.open({ pinned: true });
    await pinned.verifyUnchanged();
    expect(http.server.requests).toHaveLength(1);
    const source = await http.open();
    await source.verifyUnchanged();
    expect(http.server.requests).toHaveLength(3);
    expect(http.server.requests[2]!.headers["if-none-match"]).toBe('"one"');
    http.server.etag = '"two"';
    await refusal(source.verifyUnchanged(), "CHANGED_DURING_READ");
    http.server.faults.push(FAULTS.status(404));
    await refusal(source.verifyUnchanged(), "CHANGED_DURING_READ");
    http.server.faults.push(FAULTS.status(403));
    await refusal(source.verifyUnchanged(), "HTTP_FORBIDDEN");
  });

  test("verifyUnchanged by date, by size, and against a server that knows no conditions", async () => {
    http.server.etag = null;
    http.server.headers = { "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
    const dated = await http.open();
    http.server.faults.push(FAULTS.status(304));
    await dated.verifyUnchanged();
    expect(http.server.requests[1]!.headers["if-modified-since"]).toBe("Thu, 01 Jan 2026 00:00:00 GMT");
    http.server.headers = {};
    await refusal(dated.verifyUnchanged(), "CHANGED_DURING_READ");
    const nameless = await http.open();
    await nameless.verifyUnchanged();
    http.server.file = patterned(FILE.length - 1);
    await refusal(nameless.verifyUnchanged(), "CHANGED_DURING_READ");
    http.server.faults.push(FAULTS.whole());
    await refusal(nameless.verifyUnchanged(), "CHANGED_DURING_READ");
  });
});
