import { describe, expect, test } from "vitest";
import { FAULTS } from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";
import { expectBytes, FILE, MIB, servedFile } from "../../../support/served-file.ts";

const http = servedFile();

describe("redirects to storage", () => {
  const sha256 = "ab".repeat(32);
  const linked = { "x-linked-etag": `"${sha256}"`, "x-repo-commit": "c".repeat(40) };
  const resolve = (signature: string) =>
    FAULTS.redirect(http.storage.at(`/blob?Signature=${signature}`, "storage.test").href, 302, linked);
  const address = () => http.server.at("/org/name/resolve/main/model.safetensors", "public.test");

  test("one resolve request a file, everything else from storage", async () => {
    http.server.faults.push(resolve("first"));
    const source = await http.open({ expected: { size: FILE.length, sha256 } }, address());
    await source.prefetch([
      { start: MIB, end: MIB + 10 },
      { start: 0, end: 10 },
      { start: 1_500_000, end: 1_600_000 },
    ]);
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    expect(http.server.requests).toHaveLength(1);
    expect(http.storage.requests.map(({ path }) => path)).toEqual(Array(3).fill("/blob?Signature=first"));
    expect(http.client.counters).toMatchObject({ api: 0, resolve: 1, storage: 3 });
  });

  test("the token goes to the Hub alone, with remembered addresses too", async () => {
    await http.reconnect({ token: { value: "hf_secret", origin: address().origin } });
    http.server.faults.push(resolve("first"), resolve("second"));
    const source = await http.open({}, address());
    http.storage.faults.push(null, FAULTS.status(403));
    await source.read(MIB, MIB + 10);
    await source.read(MIB, MIB + 10);
    expect(http.server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(2).fill("Bearer hf_secret"));
    expect(http.storage.requests.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill(undefined));
  });

  test.each([401, 403, 404])("storage that says %i is resolved again, once for all that wait", async (status) => {
    http.server.faults.push(resolve("first"), resolve("second"));
    const source = await http.open({}, address());
    http.storage.faults.push(...Array(3).fill(FAULTS.status(status)));
    const ranges = [500_000, MIB, 1_500_000].map((start) => ({ start, end: start + 10 }));
    await source.prefetch(ranges);
    for (const range of ranges) await expectBytes(source, range);
    expect(http.server.requests).toHaveLength(2);
    expect(http.storage.requests.filter(({ path }) => path.endsWith("second"))).toHaveLength(3);
  });

  test.each([400, 401, 403, 404])("storage that says %i to the first request is resolved again", async (status) => {
    http.server.faults.push(resolve("first"), resolve("second"));
    http.storage.faults.push(FAULTS.status(status));
    await expectBytes(await http.open({}, address()), { start: MIB, end: MIB + 10 });
    expect(http.storage.requests.map(({ path }) => path.slice(-6))).toEqual(["=first", "second", "second"]);
  });

  test.each([400, 401, 403])(
    "storage that says %i to new addresses too refuses, and not the server",
    async (status) => {
      const refused = async (promise: Promise<unknown>) => {
        const error = await refusal(promise, "HTTP_STORAGE_REFUSED");
        expect(error).toMatchObject({ file: "the file", kind: "passing" });
        expect(error.message).toBe(
          `storage.test:${http.storage.port}, to which the server sends one on, refuses access (${status})`,
        );
        expect(JSON.stringify([error.message, error.file, error.detail])).not.toContain("Signature");
      };
      http.server.faults.push(resolve("a"), resolve("b"));
      http.storage.faults.push(FAULTS.status(status), FAULTS.status(status));
      await refused(http.open({}, address()));
      http.server.faults.push(...["c", "d", "e", "f", "g"].map(resolve));
      const source = await http.open({}, address());
      http.storage.faults.push(...Array(3).fill(FAULTS.status(status)));
      await refused(source.read(MIB, MIB + 10));
      http.storage.faults.push(...Array(2).fill(FAULTS.status(status)));
      await refused(source.verifyUnchanged());
      expect(http.server.requests).toHaveLength(7);
    },
  );

  test("what storage has not got is not found, and a refusal of the server is its own", async () => {
    http.server.faults.push(resolve("first"), resolve("second"));
    http.storage.faults.push(FAULTS.status(404), FAULTS.status(404));
    const error = await refusal(http.open({}, address()), "HTTP_NOT_FOUND");
    expect(error.message).toContain(`storage.test:${http.storage.port}`);
    http.server.faults.push(resolve("third"), FAULTS.status(403));
    http.storage.faults.push(FAULTS.status(403));
    expect((await refusal(http.open({}, address()), "HTTP_FORBIDDEN")).message).toBe("the server refuses access (403)");
  });

  test("verifyUnchanged asks for a new address as well", async () => {
    http.server.faults.push(resolve("first"), resolve("second"), resolve("third"));
    const source = await http.open({}, address());
    http.storage.faults.push(FAULTS.status(403));
    await source.verifyUnchanged();
    expect(http.server.requests).toHaveLength(3);
  });

  test("another storage may call the same content otherwise, but not when the Hub says it changed", async () => {
    const again = { ...linked, "x-linked-etag": `"${"cd".repeat(32)}"` };
    http.server.faults.push(resolve("first"), resolve("second"));
    const source = await http.open({}, address());
    http.storage.faults.push(FAULTS.status(403));
    http.storage.etag = '"another name"';
    await expectBytes(source, { start: MIB, end: MIB + 10 });
    http.storage.faults.push(FAULTS.status(403));
    http.server.faults.push(FAULTS.redirect(http.storage.at("/blob?Signature=third", "storage.test").href, 302, again));
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });

  test("without the Hub's word another ETag is a change", async () => {
    const plain = () => FAULTS.redirect(http.storage.at("/blob", "storage.test").href);
    http.server.faults.push(plain(), plain());
    const source = await http.open({}, address());
    http.storage.faults.push(FAULTS.status(403));
    http.storage.etag = '"two"';
    await refusal(source.read(MIB, MIB + 10), "CHANGED_DURING_READ");
  });
});
