/**
 * A stand-in for the Hugging Face Hub on this machine: the API, files and a storage on an origin of its own, so that
 * scans can be tested, measured and shown without the real one. What it answers is held against the official clients by
 * `npm run test:interop`; where each shape comes from is said where it is made.
 *
 * Not here, because nobody who reads models asks for it: git, uploads, datasets, spaces, pages, and the Xet protocol
 * (clients are told of it, and must be able to do without).
 */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { access, noRoute, tooMany } from "./access.mjs";
import { api } from "./api.mjs";
import { faultList, sendFaulty } from "./faults.mjs";
import { rateLimits } from "./limits.mjs";
import { send } from "./reply.mjs";
import { repositoriesBelow, repository } from "./repository.mjs";
import { resolver, signedLinks, storage } from "./resolve.mjs";

/** Requests that are remembered one by one; the counters know them all. */
const REMEMBERED = 20_000;

/** Starts it; what the options mean is said in hub.d.mts. */
export async function startHub(options) {
  const { host = "127.0.0.1", port = 0, storagePort = 0, now = Date.now, latencyMs = 0 } = options;
  const sources =
    typeof options.repositories === "string"
      ? await repositoriesBelow(options.repositories, options.owner)
      : options.repositories;
  const repositories = new Map();
  const publish = (id, source) => repositories.set(id, repository(id, { ...source, ...options.access?.get(id) }));
  for (const [id, source] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1))) publish(id, source);

  const counters = { api: 0, resolve: 0, resolveCache: 0, storage: 0, limited: 0, bytes: 0, leakedTokens: 0 };
  const requests = [];
  const faults = faultList();
  const limits = rateLimits(options.limits ?? null, now);
  const hub = { repositories, access: access(repositories, options.tokens ?? new Map()) };

  const servers = [createServer(serve(hubReply)), createServer(serve(storageReply))];
  for (const server of servers) server.keepAliveTimeout = 60_000;
  hub.endpoint = await listen(servers[0], host, port);
  hub.storageOrigin = await listen(servers[1], host, storagePort);
  hub.links = signedLinks(hub.storageOrigin, options.linkLifetimeSeconds ?? 3600, now);
  hub.resolveCache = options.resolveCache ?? true;
  const answer = { api: api(hub), storage: storage(hub.links), ...resolver(hub) };

  /** What kind of request a path of the Hub is. */
  const kindOf = (path) => {
    if (path.startsWith("/api/resolve-cache/")) return "resolveCache";
    if (path.startsWith("/api/")) return "api";
    return /^\/[^/]+\/[^/]+\/resolve\//.test(path) ? "resolve" : "page";
  };

  async function hubReply(request, url, body) {
    const kind = kindOf(url.pathname);
    if (kind === "page") return { kind, reply: noRoute(false) };
    counters[kind]++;
    const caller = request.headers.authorization ?? request.socket.remoteAddress;
    const { refused, headers } = limits.take(kind === "api" ? "api" : "resolvers", caller);
    if (refused) {
      counters.limited++;
      return { kind, reply: tooMany(headers) };
    }
    const reply = await (kind === "api"
      ? url.pathname.startsWith("/api/models")
        ? answer.api(request, url.pathname.slice("/api/models".length), url.searchParams, body)
        : noRoute(true)
      : answer[kind === "resolve" ? "resolve" : "cached"](request, url.pathname));
    return { kind, reply: { ...reply, headers: { ...reply.headers, ...headers } } };
  }

  async function storageReply(request, url) {
    counters.storage++;
    if (request.headers.authorization !== undefined) counters.leakedTokens++;
    return { kind: "storage", reply: answer.storage(request, url.pathname, url.searchParams) };
  }

  function serve(replyTo) {
    return async (request, response) => {
      try {
        const url = new URL(request.url, hub.endpoint);
        const on = replyTo === storageReply ? "storage" : kindOf(url.pathname);
        const fault = faults.meet(on, url.pathname);
        if (fault?.kind === "whole") delete request.headers.range;
        const { kind, reply } = await replyTo(request, url, await bodyOf(request));
        if (latencyMs > 0) await sleep(latencyMs);
        const sent = fault === null ? send(request, response, reply) : sendFaulty(fault, request, response, reply);
        const bytes = await sent;
        counters.bytes += bytes;
        if (requests.length < REMEMBERED) {
          const { method, headers } = request;
          const seen = { range: headers.range ?? null, authorized: headers.authorization !== undefined };
          requests.push({ kind, method, path: url.pathname, ...seen, status: reply.status, bytes });
        }
      } catch (error) {
        // A client that hangs up is its own business; anything else must be seen.
        if (!request.destroyed && error?.code !== "ERR_STREAM_PREMATURE_CLOSE") console.error(error);
        response.destroy();
      }
    };
  }

  return {
    endpoint: hub.endpoint,
    storageOrigin: hub.storageOrigin,
    counters,
    requests,
    faults,
    publish,
    expireLinks: () => hub.links.expire(),
    commitOf: async (id, revision = "main") => (await repositories.get(id).revision(revision)).commit,
    async prepare() {
      for (const each of repositories.values()) await each.refs();
    },
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}

async function bodyOf(request) {
  if (request.method !== "POST") return "";
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += piece;
  return body;
}

function listen(server, host, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(`http://${host}:${server.address().port}`));
  });
}
