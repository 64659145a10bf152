/**
 * Things that go wrong on demand. A fault meets the requests whose origin and path it names, as often as it is told to;
 * the first that was added and fits is the one that happens. Kinds and their fields: Fault in hub.d.mts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { bodyBytes, bodyLength, json, redirect, send, text } from "./reply.mjs";

/** An endless body ends here after all, so that a client that believes it fails its test and not the machine. */
const ENDLESS = 256 * 1024 * 1024;

export function faultList() {
  const faults = [];
  const fits = (fault, on, path) =>
    fault.times > 0 &&
    (fault.on === undefined || fault.on === on) &&
    (typeof fault.path === "string" ? path.includes(fault.path) : fault.path === undefined || fault.path.test(path));
  return {
    /** @returns the fault; its `met` counts the requests that it has met */
    add(fault) {
      const added = { times: 1, skip: 0, ...fault, met: 0 };
      faults.push(added);
      return added;
    },
    clear() {
      faults.length = 0;
    },
    /** The fault that this request meets, or null. */
    meet(on, path) {
      for (const fault of faults) {
        if (!fits(fault, on, path)) continue;
        if (fault.skip > 0) {
          fault.skip--;
          continue;
        }
        fault.times--;
        fault.met++;
        return fault;
      }
      return null;
    },
  };
}

/** Sends `reply` as `fault` would have it. */
export async function sendFaulty(fault, request, response, reply) {
  const act = ACTIONS[fault.kind];
  if (act === undefined) throw new Error(`unknown kind of fault: ${fault.kind}`);
  return (await act(fault, request, response, reply)) ?? 0;
}

const ACTIONS = {
  /** The connection breaks, before the headers or after some bytes of the body. */
  async reset(fault, _request, response, reply) {
    if (fault.afterBytes === undefined) return void response.socket?.resetAndDestroy();
    return part(response, reply, fault.afterBytes, () => response.socket?.resetAndDestroy());
  },
  /** The connection is closed in good order, but too early. */
  async short(fault, _request, response, reply) {
    const bytes = fault.bytes ?? Math.floor(bodyLength(reply.body) / 2);
    return part(response, reply, bytes, () => response.socket?.end());
  },
  /** The right headers but for the length, and a body that does not stop. */
  async endless(_fault, _request, response, reply) {
    response.writeHead(reply.status, reply.headers);
    const piece = Buffer.alloc(1 << 16, 0x2e);
    let sent = 0;
    while (!response.destroyed && sent < ENDLESS) {
      sent += piece.length;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
    return sent;
  },
  /** Bytes come one by one (or `bytes` at a time), `ms` apart. */
  async drip(fault, _request, response, reply) {
    const body = await bodyBytes(reply.body);
    response.writeHead(reply.status, { ...reply.headers, "content-length": body.length });
    const step = fault.bytes ?? 1;
    for (let at = 0; at < body.length && !response.destroyed; at += step) {
      response.write(body.subarray(at, at + step));
      await sleep(fault.ms);
    }
    response.end();
    return body.length;
  },
  /** The bytes of another range than was asked for, and said so. */
  wrongRange: (fault, request, response, reply) => {
    const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(reply.headers["content-range"] ?? "") ?? [];
    const by = fault.by ?? 1;
    const range = `bytes ${Number(start) + by}-${Number(end) + by}/${total}`;
    return send(request, response, changed(reply, { "content-range": range }));
  },
  /** The whole file where a range was asked for (the range was taken out of the request before it was answered). */
  whole: (_fault, request, response, reply) => send(request, response, reply),
  /** Headers as given: another ETag, a Content-Encoding, a Location. `null` leaves one out. */
  headers: (fault, request, response, reply) => send(request, response, changed(reply, fault.headers)),
  /** A status such as 429 or 500 instead of the answer. */
  status: (fault, request, response) => {
    const body = fault.body ?? { error: `fault ${fault.status}` };
    const make = typeof body === "string" ? text : json;
    return send(request, response, make(body, fault.headers ?? {}, fault.status));
  },
  redirect: (fault, request, response) => send(request, response, redirect(fault.status ?? 302, fault.to)),
  /** The right answer, late. */
  async delay(fault, request, response, reply) {
    await sleep(fault.ms);
    return send(request, response, reply);
  },
  /** The JSON that was to be sent, changed by a function: listings that lie. */
  change: (fault, request, response, reply) =>
    send(request, response, { ...reply, body: Buffer.from(JSON.stringify(fault.change(JSON.parse(reply.body)))) }),
};

function changed(reply, headers) {
  const merged = Object.entries({ ...reply.headers, ...headers }).filter(([, value]) => value !== null);
  return { ...reply, headers: Object.fromEntries(merged) };
}

async function part(response, reply, bytes, end) {
  const body = (await bodyBytes(reply.body)).subarray(0, bytes);
  response.writeHead(reply.status, { ...reply.headers, "content-length": bodyLength(reply.body) });
  response.flushHeaders();
  await new Promise((done) => (body.length === 0 ? setImmediate(done) : response.write(body, done)));
  end();
  return body.length;
}

/** Until more can be written, or nobody reads any more. */
const drained = (response) =>
  new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
