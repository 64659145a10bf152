import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { remoteOf, weights } from "../../support/hub-remote.ts";
import { refusal } from "../../support/refusal.ts";
import { floats, storage, tensor, torchZip } from "../../support/torch-file.mjs";

/** A web server of ranges and no listings; the addresses that it saw. */
async function server(files: Readonly<Record<string, Uint8Array | string>>) {
  const seen: string[] = [];
  const refusing: { status: number | null } = { status: null };
  const http = createServer((request, response) => {
    seen.push(request.url!);
    if (refusing.status !== null) return response.writeHead(refusing.status).end();
    const body = files[request.url!.split("?")[0]!];
    if (body === undefined) return response.writeHead(404).end();
    const bytes = Buffer.from(body);
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const last = Math.min(Number(end), bytes.length - 1);
    response.writeHead(206, {
      "content-range": `bytes ${start}-${last}/${bytes.length}`,
      "content-length": last + 1 - Number(start),
      etag: '"1"',
    });
    response.end(bytes.subarray(Number(start), last + 1));
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  onTestFinished(() => void http.close());
  return { origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, seen, refusing };
}

const index = (map: object) => JSON.stringify({ weight_map: map });

describe("a model at an address", () => {
  it("is one file, named without what may be secret", async () => {
    const { origin, seen } = await server({ "/m/model.safetensors": weights("a") });
    const remote = await remoteOf("https://hub.invalid", { token: "hf_secret" });
    const checkpoint = await openCheckpoint(`${origin}/m/model.safetensors?sig=SECRET#x`, { remote });
    expect(checkpoint).toMatchObject({ location: `${origin}/m/model.safetensors`, revision: null, config: null });
    expect(checkpoint.files).toMatchObject([{ path: "model.safetensors", absolutePath: null }]);
    expect(JSON.stringify(checkpoint.files[0]!.source.location)).not.toContain("SECRET");
    expect([...checkpoint.tensors.keys()]).toEqual(["a"]);
    await checkpoint.close();
    expect(new Set(seen)).toEqual(new Set(["/m/model.safetensors?sig=SECRET"]));
  });

  it("may be of PyTorch, with shards of its own", async () => {
    const bytes = (name: string) => torchZip(new Map([[name, tensor(storage("0", 2), [2])]]), { 0: floats([1, 2]) });
    const { origin } = await server({
      "/m/pytorch_model.bin.index.json": index({ a: "pytorch_model-1.bin" }),
      "/m/pytorch_model-1.bin": bytes("a"),
      "/m/alone.pt": bytes("b"),
    });
    const remote = await remoteOf("https://hub.invalid");
    for (const [file, name] of [
      ["pytorch_model.bin.index.json", "a"],
      ["alone.pt", "b"],
    ] as const) {
      const checkpoint = await openCheckpoint(`${origin}/m/${file}`, { remote });
      const { begin, end } = checkpoint.tensors.get(name)!;
      expect(await checkpoint.files[0]!.source.read(begin, end)).toEqual(new Uint8Array(floats([1, 2])));
      await checkpoint.close();
    }
  });

  it("may be sharded: its index names files below its own directory", async () => {
    const map = { a: "model-1.safetensors", b: "sub dir/é.safetensors" };
    const { origin, seen } = await server({
      "/m/model.safetensors.index.json": index(map),
      "/m/model-1.safetensors": weights("a"),
      "/m/sub%20dir/%C3%A9.safetensors": weights("b"),
    });
    const remote = await remoteOf("https://hub.invalid");
    const checkpoint = await openCheckpoint(`${origin}/m/model.safetensors.index.json?sas=1`, { remote });
    expect(checkpoint.files.map(({ path }) => path)).toEqual(Object.values(map));
    await checkpoint.close();
    expect(seen.every((path) => path.startsWith("/m/") && path.endsWith("?sas=1"))).toBe(true);
    // Neither config nor listing was asked for.
    expect(new Set(seen).size).toBe(3);
  });

  it("is refused when its index leads elsewhere or to nothing", async () => {
    for (const shard of ["../x.safetensors", "//evil/x.safetensors", "http://evil/x.safetensors", "/x.safetensors"]) {
      const { origin, seen } = await server({ "/m/i.safetensors.index.json": index({ a: shard }) });
      const remote = await remoteOf("https://hub.invalid");
      await refusal(openCheckpoint(`${origin}/m/i.safetensors.index.json`, { remote }), "SHARD_PATH_REFUSED");
      expect(seen.every((path) => path === "/m/i.safetensors.index.json")).toBe(true);
    }
    const { origin } = await server({ "/i.safetensors.index.json": index({ a: "x.safetensors" }) });
    const remote = await remoteOf("https://hub.invalid");
    const error = await refusal(
      openCheckpoint(`${origin}/i.safetensors.index.json?s=SECRET`, { remote }),
      "SHARD_MISSING",
    );
    expect(JSON.stringify([error, error.message, error.cause])).not.toContain("SECRET");
  });

  it("is no directory, no page of the Hub, and nothing else than http", async () => {
    const remote = await remoteOf("https://hub.invalid");
    for (const address of [
      "https://host/models/",
      "https://host",
      "https://u:SECRET@host/x",
      "https://",
      "http://[/x",
    ]) {
      const error = await refusal(openCheckpoint(address, { remote }), "HTTP_ADDRESS_INVALID");
      expect(JSON.stringify([error, error.message, error.file])).not.toContain("SECRET");
    }
    for (const page of ["acme/base", "acme/base/", "acme/base/tree/main", "acme/base/blob/main/model.safetensors"]) {
      const error = await refusal(openCheckpoint(`https://hub.invalid/${page}`, { remote }), "HTTP_ADDRESS_INVALID");
      expect(error.detail).toContain("hf:acme/base");
    }
  });

  const SIGNED = /ask for a new one/;
  const PLAIN = /No token is sent to this server/;
  const HUB = /Set HF_TOKEN, or name a `token`/;
  it.each<[status: number, code: ErrorCode, query: string, isHub: boolean, advice: RegExp]>([
    [401, "HTTP_UNAUTHORIZED", "", false, PLAIN],
    [403, "HTTP_FORBIDDEN", "", false, PLAIN],
    [401, "HTTP_UNAUTHORIZED", "", true, HUB],
    [403, "HTTP_FORBIDDEN", "?download=true", true, HUB],
    [403, "HTTP_FORBIDDEN", "?X-Amz-Signature=SECRET", false, SIGNED],
    [401, "HTTP_UNAUTHORIZED", "?sig=SECRET", false, SIGNED],
    [400, "HTTP_STATUS", "?X-Amz-Security-Token=SECRET", false, SIGNED],
  ])(
    "that is refused (%i %s, %j, of the Hub: %j) says what can be done, when it is opened and later",
    async (...row) => {
      const [status, code, query, isHub, advice] = row;
      const { origin, refusing } = await server({ "/acme/m/resolve/main/model.safetensors": weights("a") });
      const remote = await remoteOf(isHub ? origin : "https://hub.invalid");
      const address = `${origin}/acme/m/resolve/main/model.safetensors${query}`;
      const checkpoint = await openCheckpoint(address, { remote });
      const { source } = checkpoint.files[0]!;
      refusing.status = status;
      for (const ask of [() => openCheckpoint(address, { remote }), () => source.verifyUnchanged()]) {
        const error = await refusal(ask(), code);
        expect(error.detail).toMatch(advice);
        expect(JSON.stringify([error, error.message, error.detail])).not.toContain("SECRET");
      }
      await checkpoint.close();
    },
  );
});
