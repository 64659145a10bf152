import { PassingFailure } from "../../dist/src/bytes/http/failure.js";
import { WeightmarkError } from "../../dist/src/errors.js";
import { must } from "./invariant.mjs";

const FILE = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) & 255);
const TRIES = 3;

/** A client of a server that serves the file, with the faults that were thought out for it. */
export function clientOf(faults) {
  let next = 0;
  return {
    connections: 2,
    async exchange(request, take) {
      for (let tries = 0; ; tries++) {
        try {
          return await take(replyTo(request(), faults[next++]));
        } catch (error) {
          if (!(error instanceof PassingFailure)) throw error;
          if (tries === TRIES) throw new WeightmarkError("HTTP_CONNECTION_FAILED", "the body broke off");
        }
      }
    },
  };
}

function replyTo({ url, headers: asked }, fault = {}) {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(asked.range) ?? [];
  must(from !== undefined && Number(from) <= Number(to), `a request for no range: ${asked.range}`);
  const [start, end] = [Number(from), Math.min(FILE.length, Number(to) + 1)];
  const isThere = start < FILE.length;
  const body = isThere ? FILE.subarray(start, end) : new Uint8Array(0);
  const right = {
    "content-range": isThere ? `bytes ${start}-${end - 1}/${FILE.length}` : `bytes */${FILE.length}`,
    "content-length": String(body.length),
    etag: '"one"',
    ...fault.headers,
  };
  const headers = new Map(Object.entries(right).filter(([, value]) => value !== null));
  const sent = Buffer.concat([
    body.subarray(0, Math.max(0, body.length - (fault.missing ?? 0))),
    Buffer.alloc(fault.more ?? 0),
  ]);
  return {
    status: fault.status ?? (isThere ? 206 : 416),
    headers,
    firstHeaders: headers,
    url,
    async *chunks() {
      for (let at = 0; at < sent.length; at += 1000) yield sent.subarray(at, at + 1000);
    },
  };
}
