import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { listOrganisation } from "../../../../src/checkpoint/hub/list-organisation.ts";
import { resolveRepository } from "../../../../src/checkpoint/hub/resolve-repository.ts";
import type { ErrorCode } from "../../../../src/errors.ts";
import { hubOf, remoteOf, weights } from "../../../support/hub-remote.ts";
import { refusal } from "../../../support/refusal.ts";

const BASE = weights("a");
const FILES = { "model.safetensors": BASE, "config.json": "{}", "sub/notes.txt": "x" };
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe("a repository", () => {
  it("is resolved to a commit and its files by two requests, by one when the commit is known", async () => {
    const hub = await hubOf({ "acme/base": { files: FILES, refs: { "refs/pr/1": { "x.txt": "x" } } } });
    const remote = await remoteOf(hub);
    const commit = await hub.commitOf("acme/base");
    const found = await resolveRepository("acme/base", null, remote);
    expect({ ...found, files: found.files.map(({ path }) => path).sort() }).toEqual({
      id: "acme/base",
      commit,
      files: Object.keys(FILES).sort(),
    });
    const model = found.files.find(({ path }) => path === "model.safetensors");
    const sha256 = createHash("sha256").update(BASE).digest("hex");
    expect(model).toMatchObject({ size: BASE.length, sha256, oid: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect(found.files.find(({ path }) => path === "config.json")).toMatchObject({ size: 2, sha256: null });
    expect(hub.counters).toMatchObject({ api: 2, resolve: 0, storage: 0 });
    expect(await resolveRepository("acme/base", commit, remote)).toEqual(found);
    expect(hub.counters.api).toBe(3);
    const pull = await resolveRepository("acme/base", "refs/pr/1", remote);
    expect(pull.files.map(({ path }) => path)).toEqual(["x.txt"]);
  });

  it("that is private, gated, absent or at an unknown revision is told apart", async () => {
    const hub = await hubOf(
      {
        "acme/closed": { files: FILES, private: true },
        "acme/gated": { files: FILES, gated: "manual" },
      },
      { tokens: new Map([["hf_right", new Set(["acme/closed", "acme/gated"])]]) },
    );
    const nobody = await remoteOf(hub);
    const member = await remoteOf(hub, { token: "hf_right" });
    const stranger = await remoteOf(hub, { token: "hf_wrong" });
    const code = "HUB_REPOSITORY_NOT_FOUND";
    for (const id of ["acme/closed", "acme/absent"]) {
      const error = await refusal(resolveRepository(id, null, nobody), code);
      expect(error).toMatchObject({ file: `hf:${id}`, detail: expect.stringContaining("HF_TOKEN") });
    }
    expect((await resolveRepository("acme/closed", null, member)).files).toHaveLength(3);
    await refusal(resolveRepository("acme/absent", null, member), code);
    expect((await refusal(resolveRepository("acme/gated", "v9", nobody), code)).message).toMatch(/revision/);
    const error = await refusal(resolveRepository("acme/gated", null, stranger), "HTTP_UNAUTHORIZED");
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain("hf_wrong");
    // Its listing is public; its files are not.
    expect((await resolveRepository("acme/gated", null, nobody)).files).toHaveLength(3);
  });

  test.each<[number, ErrorCode]>([
    [403, "HTTP_FORBIDDEN"],
    [418, "HTTP_STATUS"],
    [429, "HTTP_RATE_LIMITED"],
    [500, "HTTP_SERVER_FAILED"],
  ])("answered by %i is %s", async (status, code) => {
    const hub = await hubOf({ "acme/base": { files: FILES } });
    hub.faults.add({ on: "api", kind: "status", status });
    await refusal(resolveRepository("acme/base", null, await remoteOf(hub)), code);
  });

  it("that was renamed is found under its new name", async () => {
    const hub = await hubOf({ "acme/new": { files: FILES } });
    hub.faults.add({
      on: "api",
      path: "acme/old",
      kind: "redirect",
      to: "/api/models/acme/new/revision/HEAD?expand=sha",
    });
    const found = await resolveRepository("acme/old", null, await remoteOf(hub));
    expect(found).toMatchObject({ id: "acme/new", commit: await hub.commitOf("acme/new") });
  });

  it("keeps the spelling of the Hub", async () => {
    const hub = await hubOf({ "acme/base": { files: FILES } });
    hub.faults.add({ on: "api", kind: "change", change: (json) => ({ ...json, id: "Acme/Base" }) });
    hub.faults.add({ on: "api", kind: "status", status: 404, path: "Acme/Base" });
    // The tree is asked for under the name that the Hub gave.
    await refusal(resolveRepository("acme/base", null, await remoteOf(hub)), "HUB_REPOSITORY_NOT_FOUND");
  });
});

describe("what no Hub answers is refused", () => {
  const info = (fields: object) => (json: object) => ({ ...json, ...fields });
  test.each<[string, (json: object) => unknown]>([
    ["a commit of 39 digits", info({ sha: "a".repeat(39) })],
    ["a commit that is a path", info({ sha: "../../other" })],
    ["no commit", info({ sha: null })],
    ["a name that is a path", info({ id: "acme/../x" })],
    ["no name", info({ id: 3 })],
    ["a list", () => []],
    ["null", () => null],
  ])("in the information: %s", async (_, change) => {
    const hub = await hubOf({ "acme/base": { files: FILES } });
    hub.faults.add({ on: "api", kind: "change", change });
    await refusal(resolveRepository("acme/base", null, await remoteOf(hub)), "HUB_RESPONSE_INVALID");
  });

  it("in the information and in a listing: arrays that are nested without end", async () => {
    const nested = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const model = `{"_id":"1","id":"acme/base","sha":"${"a".repeat(40)}","lastModified":${nested}}`;
    const remote = await remoteOf("https://hub.invalid");
    const answering = (body: string) => ({
      ...remote,
      client: { ...remote.client, fetch: async () => new Response(body) },
    });
    await refusal(resolveRepository("acme/base", null, answering(model)), "HUB_RESPONSE_INVALID");
    await refusal(collect(listOrganisation("acme", answering(`[${model}]`))), "HUB_RESPONSE_INVALID");
  });

  const entry = { type: "file", path: "model.safetensors", size: 8, oid: "a".repeat(40) };
  const large = { oid: "b".repeat(64), size: 8, pointerSize: 120 };
  const tree =
    (...entries: unknown[]) =>
    () =>
      entries;
  test.each<[string, () => unknown, ErrorCode?]>([
    ["..", tree({ ...entry, path: "../model.safetensors" })],
    ["an absolute path", tree({ ...entry, path: "/etc/model.safetensors" })],
    ["a dot", tree({ ...entry, path: "./x" })],
    ["no path", tree({ ...entry, path: 7 })],
    ["an empty path", tree({ ...entry, path: "" })],
    ["control characters", tree({ ...entry, path: "mod\nel.safetensors" }), "SHARD_PATH_REFUSED"],
    ["another direction of writing", tree({ ...entry, path: "\u202emodel.safetensors" }), "SHARD_PATH_REFUSED"],
    ["an encoded name", tree({ ...entry, path: "%2e%2e/model.safetensors" }), "SHARD_PATH_REFUSED"],
    ["a backslash", tree({ ...entry, path: "a\\b.safetensors.index.json" }), "SHARD_PATH_REFUSED"],
    ["a negative size", tree({ ...entry, size: -1 })],
    ["half a byte", tree({ ...entry, size: 0.5 })],
    ["a size beyond 2^53", tree({ ...entry, size: 2 ** 60 })],
    ["two sizes", tree({ ...entry, lfs: { ...large, size: 9 } })],
    ["a short hash", tree({ ...entry, lfs: { ...large, oid: "b".repeat(63) } })],
    ["a hash that is a path", tree({ ...entry, lfs: { ...large, oid: `../${"b".repeat(61)}` } })],
    ["no oid", tree({ ...entry, oid: undefined })],
    ["a path twice", tree(entry, entry)],
    ["null in the list", tree(null)],
    ["an object for the list", () => ({ entry })],
    [
      "100,001 files",
      () => Array.from({ length: 100_001 }, (_, i) => ({ ...entry, path: `${i}` })),
      "DIRECTORY_TOO_LARGE",
    ],
  ])("in the tree: %s", async (_, change, code = "HUB_RESPONSE_INVALID") => {
    const hub = await hubOf({ "acme/base": { files: FILES } });
    const commit = await hub.commitOf("acme/base");
    hub.faults.add({ on: "api", kind: "change", change });
    const error = await refusal(resolveRepository("acme/base", commit, await remoteOf(hub)), code);
    expect(error.file).toContain(commit);
    // Nobody can move files about in somebody else's repository.
    if (code === "DIRECTORY_TOO_LARGE") expect(error.detail).toMatch(/^Download/);
  });

  it("in the tree: names that nobody reads are left out", async () => {
    const hub = await hubOf({ "acme/base": { files: FILES } });
    const commit = await hub.commitOf("acme/base");
    const change = tree(entry, { ...entry, path: "a%20b.txt" }, { ...entry, path: "__proto__" });
    hub.faults.add({ on: "api", kind: "change", change });
    const { files } = await resolveRepository("acme/base", commit, await remoteOf(hub));
    expect(files.map(({ path }) => path)).toEqual(["model.safetensors", "__proto__"]);
  });
});

/** A server that answers every request with `reply`; the paths that it saw. */
async function server(reply: (path: string) => { readonly body: unknown; readonly link?: string }) {
  const seen: string[] = [];
  const http = createServer((request, response) => {
    seen.push(request.url!);
    const { body, link } = reply(request.url!);
    response.setHeader("content-type", "application/json");
    if (link !== undefined) response.setHeader("link", `<${link}>; rel="next"`);
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  onTestFinished(() => void http.close());
  return { origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, seen };
}

describe("pages", () => {
  it("that lead to another server are not fetched", async () => {
    const other = await server(() => ({ body: [] }));
    for (const link of [`${other.origin}/api/models`, "http://169.254.169.254/latest/meta-data/"]) {
      const hub = await server(() => ({ body: [], link }));
      const remote = await remoteOf(hub.origin, { token: "hf_secret" });
      await refusal(resolveRepository("acme/base", "a".repeat(40), remote), "HUB_RESPONSE_INVALID");
      await refusal(collect(listOrganisation("acme", remote)), "HUB_RESPONSE_INVALID");
      expect(hub.seen).toHaveLength(2);
    }
    expect(other.seen).toEqual([]);
  });

  it("that never end are given up", async () => {
    const remote = await remoteOf("https://hub.invalid");
    let pages = 0;
    const link = '<https://hub.invalid/api/models?cursor=x>; rel="next"';
    const fetch = async () => {
      pages++;
      return new Response("[]", { headers: { "content-type": "application/json", link } });
    };
    const endless = { ...remote, client: { ...remote.client, fetch } };
    await refusal(collect(listOrganisation("acme", endless)), "HUB_RESPONSE_INVALID");
    expect(pages).toBe(2000);
  });
});

describe("an organisation", () => {
  it("is listed with commits, gates and paths", async () => {
    const hub = await hubOf({
      "acme/one": { files: FILES },
      "acme/two": { files: { a: "1" }, gated: "auto" },
      "other/three": { files: FILES },
    });
    const [one, two] = await Promise.all([hub.commitOf("acme/one"), hub.commitOf("acme/two")]);
    expect(await collect(listOrganisation("acme", await remoteOf(hub)))).toEqual([
      { id: "acme/one", commit: one, gated: false, paths: Object.keys(FILES).sort() },
      { id: "acme/two", commit: two, gated: "auto", paths: ["a"] },
    ]);
    expect(hub.counters.api).toBe(1);
  });

  it("has a name that the Hub gives out", async () => {
    const hub = await hubOf({});
    for (const owner of ["../acme", "acme/x", ""]) {
      await refusal(collect(listOrganisation(owner, await remoteOf(hub))), "HUB_NAME_INVALID");
    }
    expect(hub.counters.api).toBe(0);
  });

  const model = { _id: "1", id: "acme/one", sha: "a".repeat(40), gated: false };
  test.each<[string, unknown]>([
    ["of somebody else", { ...model, id: "other/one" }],
    ["without a commit", { ...model, sha: "main" }],
    ["whose name is a path", { ...model, id: "acme/../one" }],
    ["that is none", null],
  ])("does not hold a model %s", async (_, entry) => {
    const hub = await hubOf({ "acme/one": { files: FILES } });
    hub.faults.add({ on: "api", kind: "change", change: () => [entry] });
    await refusal(collect(listOrganisation("acme", await remoteOf(hub))), "HUB_RESPONSE_INVALID");
  });

  it("whose listing says nothing of paths leaves them open", async () => {
    const hub = await hubOf({ "acme/one": { files: FILES } });
    hub.faults.add({ on: "api", kind: "change", change: () => [model] });
    expect(await collect(listOrganisation("ACME", await remoteOf(hub)))).toEqual([
      { id: "acme/one", commit: "a".repeat(40), gated: false, paths: null },
    ]);
  });
});
