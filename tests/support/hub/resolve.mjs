/**
 * Files: `/{id}/resolve/{revision}/{path}`, the relative detour of small files, and the storage that large ones lie in.
 *
 * Sources: get_hf_file_metadata and _get_metadata_or_catch_error of huggingface_hub (file_download.py), fileDownloadInfo
 * of @huggingface/hub, swift-transformers pull request 209 (the 307 to /api/resolve-cache), huggingface_hub issue 2915
 * (xet-fileinfo), and replies of huggingface.co in 2026: small files (git) are a relative 307 to /api/resolve-cache whose
 * X-Linked-ETag is the git name; large ones (LFS, Xet) a 302 to a signed address of another origin, X-Linked-ETag their
 * SHA-256, X-Linked-Size their size, while the ETag of the storage itself is the Xet hash. The length of a redirect's
 * body is not that of the file.
 */
import { createHmac } from "node:crypto";
import { basename } from "node:path";
import { noEntry, noRevision } from "./access.mjs";
import { splitRevision } from "./api.mjs";
import { content, json, redirect, text } from "./reply.mjs";

/** What @huggingface/hub accepts in order to learn of a file without its bytes. */
const XET_FILE_INFO = "application/vnd.xet-fileinfo+json";

const quoted = (value) => `"${value}"`;
const encodedPath = (path) => path.split("/").map(encodeURIComponent).join("/");
const disposition = (path) => {
  const name = encodeURIComponent(basename(path));
  return `inline; filename*=UTF-8''${name}; filename="${name}";`;
};

/** @param hub {endpoint, storageOrigin, access, links, resolveCache} */
export function resolver(hub) {
  /** @param path the whole path, still encoded */
  async function resolve(request, path) {
    const token = hub.access.tokenOf(request);
    const [, org, name, , ...rest] = path.split("/").map(decodeURIComponent);
    const { repository, refusal } = hub.access.find(`${org}/${name}`, token, false);
    if (refusal !== undefined) return refusal;
    const { revision, path: wanted } = splitRevision(rest);
    const snapshot = await repository.revision(revision);
    if (snapshot === null) return noRevision(false, revision);
    const kept = hub.access.gate(repository, token, false);
    if (kept !== null) return kept;
    const file = snapshot.files.get(wanted);
    if (file === undefined) return noEntry(false, snapshot.commit);
    const headers = { "x-repo-commit": snapshot.commit, "accept-ranges": "bytes" };
    return file.lfs === null
      ? small(request, repository, snapshot, file, headers)
      : large(request, repository, snapshot, file, headers);
  }

  function small(request, repository, snapshot, file, headers) {
    const etag = quoted(file.oid);
    if (!hub.resolveCache) return content(file, etag, request, headers);
    const place = `${repository.id}/${snapshot.commit}/${encodedPath(file.path)}`;
    const origin = encodeURIComponent(request.url);
    return redirect(307, `/api/resolve-cache/models/${place}?${origin}=&etag=${encodeURIComponent(etag)}`, {
      ...headers,
      "x-linked-etag": etag,
      "content-disposition": disposition(file.path),
    });
  }

  function large(request, repository, snapshot, file, headers) {
    const links =
      `<${hub.endpoint}/api/models/${repository.id}/xet-read-token/${snapshot.commit}>; rel="xet-auth", ` +
      `<${hub.storageOrigin}/v1/reconstructions/${file.xetHash}>; rel="xet-reconstruction-info"`;
    const linked = {
      ...headers,
      "x-linked-size": String(file.size),
      "x-linked-etag": quoted(file.lfs.oid),
      "x-xet-hash": file.xetHash,
      link: links,
      "cache-control": "no-store",
    };
    if (request.headers.accept?.includes(XET_FILE_INFO)) {
      return json({ hash: file.xetHash }, { ...linked, "content-type": XET_FILE_INFO });
    }
    return redirect(302, hub.links.sign(`/xet-bridge-us/${repository.internalId}/${file.xetHash}`, file), linked);
  }

  /** Where the 307 leads: a commit and a file of it, for whoever may read the repository. */
  async function cached(request, path) {
    const [, , , , org, name, commit, ...rest] = path.split("/").map(decodeURIComponent);
    const token = hub.access.tokenOf(request);
    const { repository, refusal } = hub.access.find(`${org}/${name}`, token, false);
    if (refusal !== undefined) return refusal;
    const snapshot = await repository.revision(commit);
    const file = snapshot?.files.get(rest.join("/"));
    if (file === undefined) return noEntry(false, commit);
    const headers = { "x-repo-commit": commit, "content-type": "text/plain; charset=utf-8" };
    return hub.access.gate(repository, token, false) ?? content(file, quoted(file.oid), request, headers);
  }

  return { resolve, cached };
}

/** Addresses that are their own permission until they expire, as a content network's signed ones. */
export function signedLinks(storageOrigin, lifetimeSeconds, now) {
  const secret = "stand-in";
  const files = new Map();
  let revokedBefore = 0;
  const signature = (path, expires, serial) =>
    createHmac("sha256", secret).update(`${path} ${expires} ${serial}`).digest("base64url");
  let serial = 0;
  return {
    sign(path, file) {
      files.set(path, file);
      const expires = Math.floor(now() / 1000) + lifetimeSeconds;
      serial++;
      const query = new URLSearchParams({
        "X-Xet-Cas-Uid": "public",
        "response-content-disposition": disposition(file.path),
        Expires: String(expires),
        Policy: String(serial),
        Signature: signature(path, expires, serial),
        "Key-Pair-Id": "STANDIN",
      });
      return `${storageOrigin}${path}?${query}`;
    },
    /** No address that was given out so far is good any more. */
    expire() {
      revokedBefore = serial;
    },
    /** The file, or null where the signature is wrong or too old. */
    open(path, query) {
      const [expires, policy] = [Number(query.get("Expires")), Number(query.get("Policy"))];
      const good = query.get("Signature") === signature(path, expires, policy);
      return good && expires > now() / 1000 && policy > revokedBefore ? (files.get(path) ?? null) : null;
    },
  };
}

/** The other origin. It knows no tokens: whoever shows it one has sent a secret to a stranger. */
export function storage(links) {
  return (request, path, query) => {
    if (request.headers.authorization !== undefined) {
      return xml(400, "InvalidArgument", "Only one auth mechanism allowed");
    }
    const file = links.open(path, query);
    if (file === null) return xml(403, "AccessDenied", "Access Denied");
    return content(file, quoted(file.xetHash), request, { "content-type": "application/octet-stream" });
  };
}

const xml = (status, code, message) =>
  text(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`, { "content-type": "text/xml" }, status);
