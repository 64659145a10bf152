import { weightContent } from "../../../dist/src/checkpoint/hub/content.js";
import { fileTable } from "../../../dist/src/checkpoint/hub/file-table.js";
import { listOrganisation } from "../../../dist/src/checkpoint/hub/list-organisation.js";
import { isRepositoryId } from "../../../dist/src/checkpoint/hub/repository-id.js";
import { resolveRepository } from "../../../dist/src/checkpoint/hub/resolve-repository.js";
import { utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustBePlain, mustStayInside, Skipped } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";

const ENDPOINT = "https://hub.test";
const COMMIT = "c0ffee".repeat(7).slice(0, 40);
const MAX_LISTED = 2000;

const infoOf = () => ({
  _id: "621ffdc036468d709f17434d",
  id: "acme/base",
  modelId: "acme/base",
  author: "acme",
  sha: COMMIT,
  private: false,
  gated: false,
  likes: 1,
  downloads: 2,
  lastModified: "2026-01-02T03:04:05.000Z",
  tags: [],
  siblings: [{ rfilename: "model.safetensors" }],
});

function treeOf(random) {
  const path = (name) => (random.chance(0.2) ? hostileText(random) + random.pick(["", `/${name}`]) : name);
  const plain = (name) => ({ type: "file", path: path(name), size: 12, oid: "ab".repeat(20) });
  const large = (name) => ({ ...plain(name), size: 1234, lfs: { oid: "cd".repeat(32), size: 1234, pointerSize: 134 } });
  return [
    plain("config.json"),
    large("model.safetensors"),
    { ...plain("folder"), type: "directory" },
    large("folder/a.safetensors"),
  ];
}

const HEADERS = [
  {},
  { link: `<${ENDPOINT}/api/models/acme/base/tree/main?cursor=x>; rel="next"` },
  { link: '<https://evil.test/api>; rel="next"' },
  { link: "<:>; rel=next" },
  { "x-error-code": "GatedRepo" },
  { "x-error-code": "RevisionNotFound", "x-error-message": "no" },
  { "x-error-message": "a".repeat(1000) },
];

/** What the Hub answers, reply by reply, as JSON: files that are listed have names that can be used, of sizes that can be. */
export const target = {
  name: "hub",
  extension: "json",
  make(random) {
    const bodyOf = (value) => {
      if (random.chance(0.05)) return random.pick(["", "[", "<html>", "null", "[".repeat(5000)]);
      return random.chance(0.4) ? JSON.stringify(value) : changedJson(random, value);
    };
    const status = () =>
      random.chance(0.9) ? 200 : random.pick([201, 204, 301, 400, 401, 403, 404, 410, 418, 429, 500, 503]);
    const reply = (value) => ({
      status: status(),
      headers: random.chance(0.8) ? {} : random.pick(HEADERS),
      body: bodyOf(value),
    });
    const isOrganisation = random.chance(0.3);
    const replies = isOrganisation
      ? [reply([infoOf(), infoOf()]), reply([infoOf()])]
      : [reply(infoOf()), reply(treeOf(random)), reply(treeOf(random))];
    return utf8(JSON.stringify({ isOrganisation, replies }));
  },
  async check(bytes) {
    const { isOrganisation, replies } = scenarioOf(bytes);
    const remote = { client: { fetch: answering(replies) }, endpoint: ENDPOINT, hubCache: null, offline: false };
    if (isOrganisation) {
      let count = 0;
      for await (const { id, commit, paths } of listOrganisation("acme", remote)) {
        must(isRepositoryId(id) && /^[0-9a-f]{40}$/.test(commit), "a repository that is none");
        must(paths === null || paths.every((path) => typeof path === "string"), "a path that is no text");
        if (++count === MAX_LISTED) break;
      }
      return;
    }
    const { id, commit, files } = await resolveRepository("acme/base", null, remote);
    must(isRepositoryId(id) && /^[0-9a-f]{40}$/.test(commit), "a repository that is none");
    for (const { path, size } of files) {
      mustStayInside(path, "a path of the Hub");
      mustBePlain(path.replaceAll("\n", "\r"), "a path of the Hub");
      must(Number.isSafeInteger(size) && size >= 0, "a size that is none");
      must(fileTable(files).at(path)?.size === size, "a file that is not found by its path");
    }
    weightContent(files);
  },
};

/** A `fetch` that gives these replies, one each, then says that there is nothing. */
function answering(replies) {
  let next = 0;
  return async (address) => {
    must(new URL(String(address)).origin === ENDPOINT, "a request to another server");
    const { status, headers, body } = replies[next++] ?? { status: 404, headers: {}, body: "" };
    return new Response([204, 205, 304].includes(status) ? null : body, { status, headers });
  };
}

function scenarioOf(bytes) {
  try {
    const { isOrganisation, replies } = JSON.parse(new TextDecoder().decode(bytes));
    // Made once here, so that what no server could send is no fault of anyone who reads it.
    for (const { status, headers, body } of replies) {
      if (typeof body !== "string") throw new Skipped();
      new Response(null, { status, headers });
    }
    return { isOrganisation, replies };
  } catch {
    throw new Skipped();
  }
}
