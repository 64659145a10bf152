/**
 * The Hub's API, as far as reading models needs it: listing, information, tree, paths, refs.
 *
 * Shapes: ApiModelInfo and ApiIndexTreeEntry of @huggingface/hub (src/types/api), ModelInfo, RepoFile and RepoFolder of
 * huggingface_hub (hf_api.py), and https://huggingface.co/.well-known/openapi.json. Note that a file's SHA-256 is called
 * `lfs.sha256` among siblings and `lfs.oid` in trees.
 */
import { noEntry, noRevision, noRoute, unauthorized } from "./access.mjs";
import { json, redirect } from "./reply.mjs";

const DATE = "2026-01-01T00:00:00.000Z";
const LIST_PAGE = 1000;
const TREE_PAGE = 1000;
const TREE_PAGE_EXPANDED = 50;

const base64 = (value) => Buffer.from(value).toString("base64");
const unbase64 = (value) => Buffer.from(value, "base64").toString();
const yes = (value) => value !== null && /^(true|1)$/i.test(value);
const expanded = (query) => [...query.getAll("expand"), ...query.getAll("expand[]")];

/** Everything that can be said of a repository at one revision. */
async function modelInfo(repository, snapshot, blobs) {
  const sibling = (file) => ({
    rfilename: file.path,
    ...(blobs && { blobId: file.oid, size: file.size }),
    ...(blobs && file.lfs && { lfs: { sha256: file.lfs.oid, size: file.lfs.size, pointerSize: file.lfs.pointerSize } }),
  });
  return {
    _id: repository.internalId,
    id: repository.id,
    modelId: repository.id,
    author: repository.id.split("/")[0],
    sha: snapshot.commit,
    lastModified: DATE,
    createdAt: DATE,
    private: repository.private,
    gated: repository.gated,
    disabled: false,
    downloads: repository.downloads,
    likes: repository.likes,
    tags: ["region:us"],
    siblings: [...snapshot.files.values()].map(sibling),
  };
}

const LISTED = ["_id", "id", "modelId", "likes", "private", "downloads", "tags", "createdAt"];
const LISTED_FULL = [...LISTED, "author", "sha", "lastModified", "gated", "siblings"];

/** The fields that were asked for by `expand`, beside the two that always come; else `fields`, else all. */
function choose(info, expand, fields) {
  const wanted = expand.length > 0 ? ["_id", "id", ...expand] : (fields ?? Object.keys(info));
  return Object.fromEntries(Object.entries(info).filter(([key]) => wanted.includes(key)));
}

const entry = (file, expand) => ({
  type: "file",
  oid: file.oid,
  size: file.size,
  ...(file.lfs && { lfs: file.lfs, xetHash: file.xetHash }),
  path: file.path,
  ...(expand && { lastCommit: LAST_COMMIT, securityFileStatus: UNSCANNED }),
});
const folderEntry = (folder, expand) => ({
  type: "directory",
  oid: folder.oid,
  size: 0,
  path: folder.path,
  ...(expand && { lastCommit: LAST_COMMIT }),
});
const LAST_COMMIT = { id: "0".repeat(40), title: "upload", date: DATE };
const UNSCANNED = { status: "unscanned", avScan: null, pickleImportScan: null };

/** @param hub {endpoint, repositories, access} */
export function api(hub) {
  async function list(query, token) {
    const words = query.get("search")?.toLowerCase() ?? "";
    const found = [...hub.repositories.values()]
      .filter((repository) => hub.access.visible(repository, token))
      .filter(({ id }) => query.get("author") === null || id.startsWith(`${query.get("author")}/`))
      .filter(({ id }) => id.toLowerCase().includes(words));
    const sort = query.get("sort");
    if (sort === "downloads" || sort === "likes") found.sort((a, b) => b[sort] - a[sort]);
    const limit = Math.min(LIST_PAGE, Number(query.get("limit") ?? LIST_PAGE));
    const start = query.has("cursor") ? JSON.parse(unbase64(query.get("cursor"))).skip : 0;
    const page = found.slice(start, start + limit);
    const expand = expanded(query);
    const fields = yes(query.get("full")) ? LISTED_FULL : LISTED;
    const items = [];
    for (const repository of page) {
      const info = await modelInfo(repository, await repository.revision("main"), false);
      items.push(choose(info, expand, fields));
    }
    if (start + limit >= found.length) return json(items);
    query.set("cursor", base64(JSON.stringify({ skip: start + limit })));
    return json(items, { link: `<${hub.endpoint}/api/models?${query}>; rel="next"` });
  }

  async function refs(repository, query) {
    const all = (await repository.refs()).map(({ ref, commit }) => ({ ref, targetCommit: commit }));
    const below = (prefix) =>
      all.filter(({ ref }) => ref.startsWith(prefix)).map((item) => ({ name: item.ref.slice(prefix.length), ...item }));
    return json({
      tags: below("refs/tags/"),
      branches: below("refs/heads/"),
      converts: below("refs/convert/"),
      ...(yes(query.get("include_prs")) && { pullRequests: below("refs/pr/") }),
    });
  }

  function tree(repository, snapshot, revision, folder, query) {
    if (folder !== "" && !snapshot.folders.some(({ path }) => path === folder)) return noEntry(true, snapshot.commit);
    const [recursive, expand] = [yes(query.get("recursive")), yes(query.get("expand"))];
    const limit = Number(query.get("limit") ?? (expand ? TREE_PAGE_EXPANDED : TREE_PAGE));
    const prefix = folder === "" ? "" : `${folder}/`;
    const after = query.has("cursor")
      ? JSON.parse(unbase64(unbase64(query.get("cursor")).split(":")[0])).file_name
      : null;
    const entries = [
      ...snapshot.folders.map((item) => folderEntry(item, expand)),
      ...[...snapshot.files.values()].map((file) => entry(file, expand)),
    ]
      .filter(({ path }) => path.startsWith(prefix) && (recursive || !path.slice(prefix.length).includes("/")))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .filter(({ path }) => after === null || path > after);
    const page = entries.slice(0, limit);
    const headers = { "x-repo-commit": snapshot.commit };
    if (entries.length <= limit) return json(page, headers);
    const position = base64(JSON.stringify({ file_name: page.at(-1).path, tree_oid: page.at(-1).oid }));
    const next = new URLSearchParams({ expand, recursive, limit, cursor: base64(`${position}:${limit}`) });
    const place = `${encodeURIComponent(revision)}/${encodeURIComponent(folder)}`;
    const link = `<${hub.endpoint}/api/models/${repository.id}/tree/${place}?${next}>; rel="next"`;
    return json(page, { ...headers, link });
  }

  /** The body is JSON (@huggingface/hub) or a form (huggingface_hub); what is not there is left out. */
  function pathsInfo(snapshot, body, type) {
    const form = new URLSearchParams(body);
    const given = type?.includes("json")
      ? JSON.parse(body)
      : { paths: form.getAll("paths"), expand: yes(form.get("expand")) };
    const folders = new Map(snapshot.folders.map((folder) => [folder.path, folder]));
    return json(
      given.paths
        .filter((path) => snapshot.files.has(path) || folders.has(path))
        .map((path) =>
          snapshot.files.has(path)
            ? entry(snapshot.files.get(path), given.expand)
            : folderEntry(folders.get(path), given.expand),
        ),
    );
  }

  /** The id that differs in case alone; the id itself where there is none. */
  const otherSpelling = (id) =>
    [...hub.repositories.keys()].find((known) => known.toLowerCase() === id.toLowerCase()) ?? id;

  /** @param path what follows /api/models, still encoded */
  return async function answer(request, path, query, body) {
    const token = hub.access.tokenOf(request);
    if (path === "" || path === "/") return token === false ? unauthorized(true) : list(query, token);
    const [org, name, verb, ...rest] = path.slice(1).split("/").map(decodeURIComponent);
    const id = `${org}/${name}`;
    const canonical = hub.repositories.has(id) ? id : otherSpelling(id);
    if (canonical !== id && hub.access.visible(hub.repositories.get(canonical), token)) {
      return redirect(307, request.url.replace(`/api/models/${org}/${name}`, `/api/models/${canonical}`));
    }
    const { repository, refusal } = hub.access.find(id, token, true);
    if (refusal !== undefined) return refusal;
    if (verb === "refs") return refs(repository, query);
    const { revision, path: folder } = splitRevision(rest);
    const snapshot = await repository.revision(verb === undefined ? "main" : revision);
    if (snapshot === null) return noRevision(true, revision);
    if (verb === undefined || verb === "revision") {
      const info = await modelInfo(repository, snapshot, yes(query.get("blobs")));
      return json(choose(info, expanded(query), null), { "x-repo-commit": snapshot.commit });
    }
    if (verb === "tree") return tree(repository, snapshot, revision, folder, query);
    if (verb === "paths-info" && request.method === "POST") {
      return pathsInfo(snapshot, body, request.headers["content-type"]);
    }
    return noRoute(true);
  };
}

/** A revision is one part of a path, but for refs/pr/1 and refs/convert/x, which people write as they are. */
export function splitRevision(parts) {
  const length = parts[0] === "refs" ? 3 : 1;
  return {
    revision: parts.slice(0, length).join("/"),
    path: parts
      .slice(length)
      .filter((part) => part !== "")
      .join("/"),
  };
}
