#!/usr/bin/env node
/**
 * The stand-in of the Hub (tests/support/hub) against the official clients, and ours against what they leave behind:
 * part of npm run test:interop.
 *
 * 1. huggingface_hub (Python): listings, trees, files, revisions, refusals (hub.py)
 * 2. @huggingface/hub: the same bytes
 * 3. our reader on the cache directory that huggingface_hub wrote, without a connection, against the model itself
 * 4. rate limits: huggingface_hub waits as long as the stand-in says
 */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { downloadFile, fileDownloadInfo, listFiles, listModels, modelInfo, pathsInfo } from "@huggingface/hub";
import { startHub } from "../support/hub/hub.mjs";
import { venv } from "./venv.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

let held = 0;
function holds(what, condition) {
  if (!condition) throw new Error(`WRONG: ${what}`);
  held++;
}
/** How many checks held since the last time. */
function tell(what) {
  console.log(`  ${held} checks held: ${what}`);
  held = 0;
}

const weights = (bytes) => randomBytes(bytes);
const model = (name) => readFileSync(join(root, "examples", "models", name, "model.safetensors"));
const REPOSITORIES = new Map([
  [
    "acme/base-a",
    { files: { "model.safetensors": model("base-a"), "config.json": "{}\n", "README.md": "# base-a\n" } },
  ],
  [
    "acme/folders",
    { files: { "a/b/c.json": "[]\n", "a/d e.txt": "x\n", "a/weights.bin": weights(1000), "z.txt": "z" } },
  ],
  ["acme/gated", { files: { "model.safetensors": weights(3000) }, gated: "manual" }],
  ["acme/many", { files: Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`part-${i}.txt`, `${i}`])) }],
  ["acme/private", { files: { "model.safetensors": weights(3000) }, private: true }],
  [
    "acme/tagged",
    { files: { "note.txt": "main" }, refs: { "refs/tags/v1": { "note.txt": "v1" }, "refs/pr/1": { "note.txt": "1" } } },
  ],
]);
const TOKENS = { reader: "hf_reader", stranger: "hf_stranger" };

/** What every public repository must be read as: SHA-256 by path. */
const PUBLIC = Object.fromEntries(
  [...REPOSITORIES]
    .filter(([, { private: hidden }]) => !hidden)
    .map(([id, { files }]) => [
      id,
      Object.fromEntries(Object.entries(files).map(([path, data]) => [path, sha256(data)])),
    ]),
);

async function pythonClient(hub, interpreter, directory) {
  console.log("huggingface_hub against the stand-in");
  const expected = join(directory, "expected.json");
  writeFileSync(expected, JSON.stringify({ public: PUBLIC, tokens: TOKENS }));
  const cache = join(directory, "hub");
  const { stdout } = await promisify(execFile)(interpreter, [join(here, "hub.py"), hub.endpoint, expected, cache], {
    env: pythonEnvironment(directory),
    maxBuffer: 1 << 24,
  });
  process.stdout.write(stdout);
  holds("every check was reached", /\d+ checks held/.test(stdout));
  holds("no token was shown to the storage", hub.counters.leakedTokens === 0);
  tell("it ended, and no token was shown to the storage");
  return cache;
}

/** Nothing of the user's own: no token, no cache, and no Xet. */
function pythonEnvironment(directory) {
  const own = { HF_HOME: join(directory, "home"), HF_HUB_DISABLE_XET: "1", HF_HUB_DISABLE_PROGRESS_BARS: "1" };
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("HF_") && !/proxy/i.test(name));
  return { ...Object.fromEntries(kept), ...own, HF_HUB_DISABLE_TELEMETRY: "1" };
}

async function javascriptClient(hub) {
  console.log("@huggingface/hub against the stand-in");
  const hubUrl = hub.endpoint;
  const ids = [];
  for await (const { name, sha } of listModels({ search: { owner: "acme" }, additionalFields: ["sha"], hubUrl })) {
    ids.push(name);
    const info = await modelInfo({ name, additionalFields: ["sha"], hubUrl });
    holds(`${name}: listing and information name one commit`, sha === info.sha && sha === (await hub.commitOf(name)));
    const credentials = name === "acme/gated" ? { accessToken: TOKENS.reader } : {};
    const files = [];
    for await (const file of listFiles({ repo: name, recursive: true, revision: sha, hubUrl })) {
      if (file.type === "file") files.push(file);
    }
    holds(
      `${name}: files`,
      files
        .map(({ path }) => path)
        .sort()
        .join() === Object.keys(PUBLIC[name]).sort().join(),
    );
    const paths = await pathsInfo({ repo: name, revision: sha, paths: files.map(({ path }) => path), hubUrl });
    holds(
      `${name}: paths`,
      paths.every((path, i) => path.oid === files[i].oid && path.size === files[i].size),
    );
    for (const { path, size, lfs } of files.slice(0, 10)) {
      const place = { repo: name, path, revision: sha, hubUrl, ...credentials };
      const info = await fileDownloadInfo(place);
      const blob = await downloadFile({ ...place, xet: false });
      const digest = sha256(Buffer.from(await blob.arrayBuffer()));
      const etag = lfs === undefined || info.etag === `"${lfs.oid}"`;
      holds(`${name}/${path}: size, name and bytes`, info.size === size && etag && digest === PUBLIC[name][path]);
    }
  }
  holds("every public repository", ids.join() === Object.keys(PUBLIC).sort().join());
  holds("no token was shown to the storage", hub.counters.leakedTokens === 0);
  tell("listings, information, trees, paths, files");
}

/** A fingerprint from the cache that huggingface_hub wrote is that of the model, and takes no request. */
async function ourReader(hub, cache) {
  console.log("weightmark on the cache that huggingface_hub wrote");
  const before = { ...hub.counters };
  const cli = join(root, "bin", "weightmark.js");
  const fingerprint = async (location, environment) => {
    const out = join(dirname(cache), "fingerprint.safetensors");
    const args = ["fingerprint", location, "-o", out, "--force", "--json", "--deterministic"];
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], {
      env: { ...process.env, ...environment },
      maxBuffer: 1 << 24,
    });
    return JSON.parse(stdout).inputs.model;
  };
  const offline = { HF_HUB_CACHE: cache, HF_HUB_OFFLINE: "1", HF_ENDPOINT: hub.endpoint, HF_TOKEN: "" };
  const cached = await fingerprint("hf:acme/base-a", offline);
  const local = await fingerprint(join(root, "examples", "models", "base-a"), {});
  holds("the commit that the client resolved", cached.revision === (await hub.commitOf("acme/base-a")));
  holds("the same samples", typeof cached.sampledRoot === "string" && cached.sampledRoot === local.sampledRoot);
  holds("not one request", JSON.stringify(hub.counters) === JSON.stringify(before));
  tell("the same fingerprint at the same commit, without a request");
}

/** The client waits for as long as the headers say (it adds a second), and then goes on. */
async function waits(interpreter, directory) {
  console.log("rate limits as huggingface_hub understands them");
  // The window ends two seconds after the third request, however long the client takes to come to it.
  let third = null;
  const now = () => {
    if (hub?.counters.api >= 3) third ??= Date.now();
    return third === null ? 298_000 : 298_000 + Date.now() - third;
  };
  let hub = null;
  hub = await startHub({ repositories: REPOSITORIES, limits: { api: 1, resolvers: 10, windowSeconds: 300 }, now });
  try {
    const script = `
import sys
from huggingface_hub import HfApi
api = HfApi(endpoint=sys.argv[1], token=False)
next(iter(api.list_models(limit=1)))
try:
    api.model_info("acme/base-a")
    print("not refused")
except Exception as error:
    print(error)
print(next(iter(api.list_models(limit=1))).id)`;
    const { stdout } = await promisify(execFile)(interpreter, ["-c", script, hub.endpoint], {
      env: pythonEnvironment(directory),
    });
    holds(
      "429 names the kind, the seconds and the quota",
      /'api' rate limit.\s+Retry after \d+ seconds \(0\/1 requests/.test(stdout),
    );
    holds("and the next window is waited for", stdout.trimEnd().endsWith("acme/base-a") && hub.counters.limited === 2);
    tell("what it says of them, and that it waits");
  } finally {
    await hub.close();
  }
}

export async function hubInterop() {
  const interpreter = venv("interop-hub-venv", "requirements-hub.txt");
  const directory = mkdtempSync(join(tmpdir(), "weightmark-hub-"));
  const granted = new Set(["acme/gated", "acme/private"]);
  const tokens = new Map([
    [TOKENS.reader, granted],
    [TOKENS.stranger, new Set()],
  ]);
  const hub = await startHub({ repositories: REPOSITORIES, tokens });
  try {
    const cache = await pythonClient(hub, interpreter, directory);
    await javascriptClient(hub);
    await waits(interpreter, directory);
    await ourReader(hub, cache);
  } finally {
    await hub.close();
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await hubInterop();
