import { createHash, randomBytes } from "node:crypto";
import { downloadFile, fileDownloadInfo, listFiles, listModels, modelInfo, pathsInfo } from "@huggingface/hub";
import { afterEach, describe, expect, test } from "vitest";
import { type Hub, type HubOptions, type RepositorySource, startHub } from "../support/hub/hub.mjs";

const weights = randomBytes(100_000);
const FILES = {
  "config.json": '{"model_type":"llama"}\n',
  "model.safetensors": weights,
  "sub/deep/b.json": "yo\n",
  "sub-x.txt": "z\n",
};

let hub: Hub;
afterEach(() => hub.close());

const start = async (repositories: Record<string, RepositorySource>, options: Partial<HubOptions> = {}) => {
  hub = await startHub({ repositories: new Map(Object.entries(repositories)), ...options });
  return hub;
};
const raw = (path: string, init?: RequestInit) => fetch(hub.endpoint + path, init);
// biome-ignore lint/suspicious/noExplicitAny: JSON of whatever shape
const jsonOf = async (reply: Response): Promise<any> => reply.json();
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};
const said = (reply: Response) => [
  reply.status,
  reply.headers.get("x-error-code"),
  reply.headers.get("x-error-message"),
];

describe("what the official JavaScript client reads from the stand-in", () => {
  test("listings over pages, information, trees and paths", async () => {
    await start({ "acme/one": { files: FILES }, "acme/two": { files: { a: "1" } }, "other/three": { files: {} } });
    const hubUrl = hub.endpoint;
    const models = await collect(
      listModels({ search: { owner: "acme" }, additionalFields: ["sha", "filePaths"], hubUrl }),
    );
    expect(models.map(({ name, sha, filePaths }) => ({ name, sha, filePaths }))).toEqual([
      { name: "acme/one", sha: await hub.commitOf("acme/one"), filePaths: Object.keys(FILES).sort() },
      { name: "acme/two", sha: await hub.commitOf("acme/two"), filePaths: ["a"] },
    ]);
    const info = await modelInfo({ name: "acme/one", revision: "main", additionalFields: ["sha"], hubUrl });
    expect(info.sha).toBe(await hub.commitOf("acme/one"));

    const listed = await collect(listFiles({ repo: "acme/one", revision: info.sha, recursive: true, hubUrl }));
    const sha256 = createHash("sha256").update(weights).digest("hex");
    // The names of the folders and of the small files are those that git gives the same contents.
    expect(listed.map(({ path, type, oid }) => [path, type, oid])).toEqual(
      [
        ["config.json", "file", "479e18224e7827e7909c8a78f287e3306c1de8bb"],
        ["model.safetensors", "file", expect.stringMatching(/^[0-9a-f]{40}$/)],
        ["sub", "directory", "3239ba5694ada11acdf558d9e64fc44ddb5e9501"],
        ["sub/deep", "directory", "84bb388223354a0e0b33a723b7da0b7e5d7e2163"],
        ["sub/deep/b.json", "file", expect.stringMatching(/^[0-9a-f]{40}$/)],
        ["sub-x.txt", "file", expect.stringMatching(/^[0-9a-f]{40}$/)],
      ].sort(([a], [b]) => (a! < b! ? -1 : 1)),
    );
    expect(listed.find(({ path }) => path === "model.safetensors")?.lfs).toEqual({
      oid: sha256,
      size: weights.length,
      pointerSize: 131,
    });
    const paths = await pathsInfo({ repo: "acme/one", paths: ["config.json", "sub", "none"], hubUrl });
    expect(paths.map(({ path, type, size }) => [path, type, size])).toEqual([
      ["config.json", "file", 23],
      ["sub", "directory", 0],
    ]);
  });

  test("a long tree and a long listing come in pages, each once", async () => {
    const files = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`f${String(i).padStart(3, "0")}`, "x"]));
    await start(
      Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`acme/m${i}`, { files: i === 0 ? files : {} }])),
    );
    const hubUrl = hub.endpoint;
    const expandedPages = await collect(listFiles({ repo: "acme/m0", recursive: true, expand: true, hubUrl }));
    expect(expandedPages.map(({ path }) => path)).toEqual(Object.keys(files));
    expect(hub.counters.api).toBe(3);
    const first = await raw("/api/models?author=acme&limit=3");
    const second = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1];
    expect((await jsonOf(await fetch(second!))).map(({ id }: { id: string }) => id)).toEqual([
      "acme/m3",
      "acme/m4",
      "acme/m5",
    ]);
  });

  test("files, small ones by the relative detour and large ones from the storage", async () => {
    await start({ "acme/one": { files: FILES } });
    const hubUrl = hub.endpoint;
    for (const [path, content] of Object.entries(FILES)) {
      const blob = await downloadFile({ repo: "acme/one", path, hubUrl, xet: false });
      expect(Buffer.from(await blob!.arrayBuffer())).toEqual(Buffer.from(content));
    }
    const info = await fileDownloadInfo({ repo: "acme/one", path: "model.safetensors", hubUrl });
    expect(info?.etag).toBe(`"${createHash("sha256").update(weights).digest("hex")}"`);
    expect(info?.size).toBe(weights.length);
    expect(await fileDownloadInfo({ repo: "acme/one", path: "none", hubUrl })).toBeNull();
    expect(hub.counters.storage).toBeGreaterThan(0);
    expect(hub.counters.resolveCache).toBeGreaterThan(0);
  });
});

describe("what the Hub refuses", () => {
  const tokens = new Map([
    ["hf_reader", new Set(["acme/private", "acme/gated"])],
    ["hf_stranger", new Set<string>()],
  ]);
  const authorization = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

  test("private, gated, missing: by who asks", async () => {
    const files = { "model.safetensors": weights };
    await start(
      { "acme/private": { files, private: true }, "acme/gated": { files, gated: "manual" }, "acme/open": { files } },
      { tokens },
    );
    const anonymous = [401, null, "Invalid username or password."];
    expect(said(await raw("/api/models/acme/private"))).toEqual(anonymous);
    expect(said(await raw("/api/models/acme/none"))).toEqual(anonymous);
    expect(said(await raw("/api/models/acme/none", authorization("hf_stranger")))).toEqual([
      404,
      "RepoNotFound",
      "Repository not found",
    ]);
    expect(said(await raw("/api/models/acme/open", authorization("hf_wrong")))[0]).toBe(401);
    expect((await raw("/api/models/acme/private", authorization("hf_reader"))).status).toBe(200);
    expect((await raw("/api/models/acme/gated/tree/main")).status).toBe(200);
    const file = "/acme/gated/resolve/main/model.safetensors";
    expect(said(await raw(file)).slice(0, 2)).toEqual([401, "GatedRepo"]);
    expect(said(await raw(file, authorization("hf_stranger"))).slice(0, 2)).toEqual([403, "GatedRepo"]);
    expect((await raw(file, authorization("hf_reader"))).status).toBe(200);
    expect(said(await raw("/acme/open/resolve/dev/model.safetensors")).slice(0, 2)).toEqual([404, "RevisionNotFound"]);
    const missing = await raw("/acme/open/resolve/main/none");
    expect(said(missing).slice(0, 2)).toEqual([404, "EntryNotFound"]);
    expect(missing.headers.get("x-repo-commit")).toBe(await hub.commitOf("acme/open"));
    // fetch drops the token where the origin changes; anyone who carries it over is refused, and noticed.
    expect(hub.counters.leakedTokens).toBe(0);
    const { headers } = await raw(file, { ...authorization("hf_reader"), redirect: "manual" });
    expect((await fetch(headers.get("location")!, authorization("hf_reader"))).status).toBe(400);
    expect(hub.counters.leakedTokens).toBe(1);
  });

  test("requests beyond the quota of a window, until the next", async () => {
    let now = 1_000_000_000_000;
    await start({ "acme/one": { files: FILES } }, { limits: { api: 2, resolvers: 1 }, now: () => now });
    expect((await raw("/api/models/acme/one")).headers.get("ratelimit")).toBe('"api";r=1;t=200');
    await raw("/api/models/acme/one");
    const refused = await raw("/api/models/acme/one");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "200"]);
    expect(refused.headers.get("ratelimit-policy")).toBe('"fixed window";"api";q=2;w=300');
    expect((await raw("/acme/one/resolve/main/model.safetensors", { method: "HEAD" })).status).toBe(200);
    now += 200_000;
    expect((await raw("/api/models/acme/one")).status).toBe(200);
    expect(hub.counters.limited).toBe(1);
  });

  test("addresses of the storage that expired or were changed", async () => {
    let now = 1_000_000_000_000;
    await start({ "acme/one": { files: FILES } }, { linkLifetimeSeconds: 60, now: () => now });
    const file = "/acme/one/resolve/main/model.safetensors";
    const address = async () => (await raw(file, { redirect: "manual" })).headers.get("location")!;
    const link = await address();
    expect((await fetch(link, { headers: { range: "bytes=-1" } })).status).toBe(206);
    expect((await fetch(link.replace(/Expires=\d+/, "Expires=9999999999"))).status).toBe(403);
    now += 60_000;
    expect((await fetch(link)).status).toBe(403);
    const other = await address();
    hub.expireLinks();
    expect((await fetch(other)).status).toBe(403);
  });
});

describe("ranges and faults", () => {
  const storageOf = async () => {
    await start({ "acme/one": { files: FILES } });
    const reply = await raw("/acme/one/resolve/main/model.safetensors", { redirect: "manual" });
    const link = reply.headers.get("location")!;
    return (headers: Record<string, string> = {}) => fetch(link, { headers });
  };
  const bytes = async (reply: Response) => Buffer.from(await reply.arrayBuffer());

  test.each([
    ["bytes=0-9", weights.subarray(0, 10), "bytes 0-9/100000"],
    ["bytes=99990-", weights.subarray(99_990), "bytes 99990-99999/100000"],
    ["bytes=-5", weights.subarray(99_995), "bytes 99995-99999/100000"],
    ["bytes=5-999999", weights.subarray(5), "bytes 5-99999/100000"],
  ])("%s", async (range, expected, contentRange) => {
    const get = await storageOf();
    const reply = await get({ range });
    expect([reply.status, reply.headers.get("content-range")]).toEqual([206, contentRange]);
    expect(await bytes(reply)).toEqual(Buffer.from(expected));
  });

  test("preconditions, and a range beyond the end", async () => {
    const get = await storageOf();
    const etag = (await get({ range: "bytes=0-0" })).headers.get("etag")!;
    expect((await get({ range: "bytes=100000-" })).status).toBe(416);
    expect((await get({ range: "bytes=0-9", "if-range": etag })).status).toBe(206);
    expect((await get({ range: "bytes=0-9", "if-range": '"other"' })).status).toBe(200);
    expect((await get({ "if-match": '"other"' })).status).toBe(412);
    expect((await get({ "if-none-match": etag })).status).toBe(304);
  });

  test("each fault meets the requests it names, as often as it says", async () => {
    const get = await storageOf();
    const range = { range: "bytes=10-19" };
    const once = async (fault: Parameters<Hub["faults"]["add"]>[0]) => {
      hub.faults.clear();
      hub.faults.add(fault);
      return get(range).then(
        async (reply) => ({
          status: reply.status,
          headers: reply.headers,
          body: await bytes(reply).catch(() => "broken"),
        }),
        () => "broken" as const,
      );
    };
    const good = await once({ kind: "reset", on: "api" });
    expect(good).toMatchObject({ status: 206, body: weights.subarray(10, 20) });
    expect(await once({ kind: "reset" })).toBe("broken");
    expect(await once({ kind: "reset", afterBytes: 3 })).toMatchObject({ status: 206, body: "broken" });
    expect(await once({ kind: "short", bytes: 3 })).toMatchObject({ status: 206, body: "broken" });
    expect(await once({ kind: "whole" })).toMatchObject({ status: 200, body: weights });
    const wrong = await once({ kind: "wrongRange" });
    expect(wrong !== "broken" && wrong.headers.get("content-range")).toBe("bytes 11-20/100000");
    const retry = await once({ kind: "status", status: 429, headers: { "retry-after": "7" } });
    expect(retry !== "broken" && [retry.status, retry.headers.get("retry-after")]).toEqual([429, "7"]);
    const other = await once({ kind: "headers", headers: { etag: '"changed"' } });
    expect(other !== "broken" && other.headers.get("etag")).toBe('"changed"');
    expect(await once({ kind: "drip", ms: 1, bytes: 4 })).toMatchObject({ body: weights.subarray(10, 20) });
    expect(await once({ kind: "redirect", to: `${hub.endpoint}/api/models/acme/one/refs` })).toMatchObject({
      status: 200,
    });

    hub.faults.clear();
    const fault = hub.faults.add({ kind: "status", status: 500, path: /xet-bridge/, skip: 1, times: 2 });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await get(range)).status);
    expect([statuses, fault.met]).toEqual([[206, 500, 500, 206], 2]);
  });

  test("an endless body goes on until the reader leaves", async () => {
    const get = await storageOf();
    hub.faults.add({ kind: "endless" });
    const reader = (await get({ range: "bytes=0-9" })).body!.getReader();
    let seen = 0;
    while (seen < 1_000_000) seen += (await reader.read()).value!.length;
    await reader.cancel();
    expect(seen).toBeGreaterThanOrEqual(1_000_000);
  });

  test("listings that lie", async () => {
    await start({ "acme/one": { files: FILES } });
    hub.faults.add({
      kind: "change",
      path: "/tree/",
      change: (tree) => [...tree, { type: "file", path: "../up", size: 1, oid: "0" }],
    });
    const listed = await collect(listFiles({ repo: "acme/one", hubUrl: hub.endpoint }));
    expect(listed.at(-1)?.path).toBe("../up");
  });
});

test("branches, tags, pull requests and short commits name revisions; new content makes a new commit", async () => {
  const refs = { "refs/tags/v1": { a: "1" }, "refs/pr/1": { a: "2" } };
  await start({ "acme/one": { files: { a: "0" }, refs } });
  const commits = [];
  for (const revision of ["main", "v1", "refs/pr/1"]) {
    const place = `/acme/one/resolve/${encodeURIComponent(revision)}/a`;
    const reply = await raw(place);
    expect(await reply.text()).toBe(String(commits.length));
    expect(await (await raw(place.replace("%2F", "/").replace("%2F", "/"))).text()).toBe(String(commits.length));
    commits.push(reply.headers.get("x-repo-commit")!);
  }
  expect(new Set(commits).size).toBe(3);
  expect(await (await raw(`/acme/one/resolve/${commits[1]!.slice(0, 8)}/a`)).text()).toBe("1");
  const info = await modelInfo({ name: "acme/one", revision: "v1", additionalFields: ["sha"], hubUrl: hub.endpoint });
  expect(info.sha).toBe(commits[1]);
  const named = await jsonOf(await raw("/api/models/acme/one/refs?include_prs=1"));
  expect(named.tags).toEqual([{ name: "v1", ref: "refs/tags/v1", targetCommit: commits[1] }]);
  expect(named.pullRequests).toEqual([{ name: "1", ref: "refs/pr/1", targetCommit: commits[2] }]);
  expect((await raw("/api/models/Acme/ONE", { redirect: "manual" })).headers.get("location")).toBe(
    "/api/models/acme/one",
  );
  hub.publish("acme/one", { files: { a: "new" } });
  expect(await hub.commitOf("acme/one")).not.toBe(commits[0]);
});
