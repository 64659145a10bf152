/**
 * A repository as the Hub sees one: files by path with the names that git, LFS and Xet give their contents, folders, and
 * a commit. Everything follows from the contents, so the same files always have the same commit.
 *
 * Names of contents:
 * - git: SHA-1 over "blob <size>\0<content>"; of an LFS file it is that of the pointer text, not of the content
 * - LFS: SHA-256 of the content
 * - Xet: here a hash of the SHA-256. The real one is a BLAKE3 tree over chunks; clients may only compare it.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** What a new repository's .gitattributes sends to large file storage, whatever its size, and from which size all. */
const LARGE_NAMES = /\.(safetensors|bin|gguf|pt|pth|ckpt|h5|onnx|msgpack|npz|zip)$/;
const LARGE_SIZE = 10 * 1024 * 1024;

const sha1 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha1")).digest("hex");
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const gitObject = (type, content) => sha1(`${type} ${content.length}\0`, content);

async function fileSha256(path) {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece);
  return hash.digest("hex");
}

/** Bytes in memory, in a file or from a function; `sha256` saves reading what is too large to hash. */
async function describe(path, source) {
  const inMemory = typeof source === "string" || source instanceof Uint8Array;
  const data = inMemory ? Buffer.from(source) : null;
  const size = data?.length ?? source.size ?? (await stat(source.file)).size;
  const body = data ?? source;
  if (!LARGE_NAMES.test(path) && size <= LARGE_SIZE) {
    return {
      path,
      size,
      body,
      oid: gitObject("blob", data ?? (await readFile(source.file))),
      lfs: null,
      xetHash: null,
    };
  }
  const digest = data === null ? (source.sha256 ?? (await fileSha256(source.file))) : sha256(data);
  const pointer = Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${digest}\nsize ${size}\n`);
  const lfs = { oid: digest, size, pointerSize: pointer.length };
  return { path, size, body, oid: gitObject("blob", pointer), lfs, xetHash: sha256(`xet ${digest}`) };
}

/** Git's name of a folder and, into `folders`, those of all folders below it. */
function treeOid(files, prefix, folders) {
  const children = new Map();
  for (const file of files) {
    const [name, ...rest] = file.path.slice(prefix.length).split("/");
    if (rest.length === 0) children.set(name, file);
    else children.set(name, [...(Array.isArray(children.get(name)) ? children.get(name) : []), file]);
  }
  // Git sorts folders as if their names ended in a slash.
  const key = ([name, child]) => (Array.isArray(child) ? `${name}/` : name);
  const entries = [...children].sort((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))));
  const parts = entries.map(([name, child]) => {
    const oid = Array.isArray(child) ? treeOid(child, `${prefix}${name}/`, folders) : child.oid;
    if (Array.isArray(child)) folders.push({ path: `${prefix}${name}`, oid });
    return Buffer.concat([
      Buffer.from(`${Array.isArray(child) ? "40000" : "100644"} ${name}\0`),
      Buffer.from(oid, "hex"),
    ]);
  });
  return gitObject("tree", Buffer.concat(parts));
}

/** One revision: `files` is a plain object from path to content, or a directory. */
async function snapshot(files) {
  const sources = typeof files === "string" ? await filesBelow(files) : Object.entries(files);
  const described = [];
  for (const [path, source] of sources) described.push(await describe(path, source));
  described.sort((a, b) => (a.path < b.path ? -1 : 1));
  const folders = [];
  const tree = treeOid(described, "", folders);
  const author = "stand-in <stand-in@localhost> 1767225600 +0000";
  const commit = gitObject("commit", Buffer.from(`tree ${tree}\nauthor ${author}\ncommitter ${author}\n\nupload\n`));
  return { commit, files: new Map(described.map((file) => [file.path, file])), folders };
}

async function filesBelow(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((file) => [file.slice(directory.length + 1).replaceAll("\\", "/"), { file }]);
}

/**
 * @param id "org/name"
 * @param source {files, refs, private, gated, likes, downloads}: see RepositorySource in hub.d.mts
 */
export function repository(id, source) {
  const refs = new Map([["refs/heads/main", source.files], ...Object.entries(source.refs ?? {})]);
  const snapshots = new Map();
  // Hashing waits for whoever asks first, and is done once.
  const at = (ref) => {
    if (!snapshots.has(ref)) snapshots.set(ref, snapshot(refs.get(ref)));
    return snapshots.get(ref);
  };
  return {
    id,
    internalId: sha256(`id ${id}`).slice(0, 24),
    private: source.private ?? false,
    gated: source.gated ?? false,
    likes: source.likes ?? 0,
    downloads: source.downloads ?? 0,
    refs: () => Promise.all([...refs.keys()].map(async (ref) => ({ ref, commit: (await at(ref)).commit }))),
    /** A branch, a tag, a full ref, or a commit of at least 5 digits; null when there is no such revision. */
    async revision(name) {
      const ref = name === "HEAD" ? "refs/heads/main" : name;
      const named = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`].find((candidate) => refs.has(candidate));
      if (named !== undefined) return at(named);
      if (!/^[0-9a-f]{5,40}$/.test(name)) return null;
      for (const ref of refs.keys()) if ((await at(ref)).commit.startsWith(name)) return at(ref);
      return null;
    },
  };
}

/** Repositories of a directory `org/name/<files>`, or `name/<files>` all of one owner. */
export async function repositoriesBelow(directory, owner) {
  const folders = async (path) =>
    (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const found = new Map();
  for (const org of owner === undefined ? await folders(directory) : [owner]) {
    const parent = owner === undefined ? join(directory, org) : directory;
    for (const name of await folders(parent)) found.set(`${org}/${name}`, { files: join(parent, name) });
  }
  return found;
}
