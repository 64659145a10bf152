/**
 * What is answered, before it is sent: {status, headers, body}. The body is a Buffer, null, or a part of a file or of what
 * a function makes: {file or read, start, end}.
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Below this a file's bytes are read at once: a stream costs more than it saves. */
const AT_ONCE = 4 * 1024 * 1024;

export const json = (value, headers = {}, status = 200) => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body: Buffer.from(JSON.stringify(value)),
});

export const text = (value, headers = {}, status = 200) => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  body: Buffer.from(value),
});

/** As Express words it; clients must not take its length for that of the file. */
export const redirect = (status, location, headers = {}) =>
  text(
    `${status === 302 ? "Found" : "Temporary Redirect"}. Redirecting to ${location}`,
    { ...headers, location },
    status,
  );

/**
 * The content of a file by RFC 9110: ranges (13.1.5, 14.2), and the preconditions If-Match, If-None-Match and If-Range.
 * Several ranges in one request are answered with everything, as a server may.
 */
export function content(file, etag, request, headers = {}) {
  const whole = { "accept-ranges": "bytes", etag, ...headers };
  const given = request.headers;
  if (given["if-match"] !== undefined && given["if-match"] !== etag && given["if-match"] !== "*") {
    return text("", whole, 412);
  }
  if (given["if-none-match"] === etag) return { status: 304, headers: whole, body: null };
  const range = given["if-range"] === undefined || given["if-range"] === etag ? given.range : undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? "");
  const all = slice(file, 0, file.size);
  if (match === null || (match[1] === "" && match[2] === "")) return { status: 200, headers: whole, body: all };
  const start = match[1] === "" ? Math.max(0, file.size - Number(match[2])) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? file.size : Math.min(file.size, Number(match[2]) + 1);
  if (start >= end) return text("", { ...whole, "content-range": `bytes */${file.size}` }, 416);
  const partial = { ...whole, "content-range": `bytes ${start}-${end - 1}/${file.size}` };
  return { status: 206, headers: partial, body: slice(file, start, end) };
}

function slice(file, start, end) {
  return Buffer.isBuffer(file.body) ? file.body.subarray(start, end) : { ...file.body, start, end };
}

export const bodyLength = (body) => (body === null ? 0 : Buffer.isBuffer(body) ? body.length : body.end - body.start);

/** Reads a part of a body into memory. */
export async function bodyBytes(body) {
  if (body === null || Buffer.isBuffer(body)) return body ?? Buffer.alloc(0);
  if (body.read !== undefined) return body.read(body.start, body.end);
  const handle = await open(body.file);
  try {
    const bytes = Buffer.allocUnsafe(body.end - body.start);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, body.start + filled);
      if (bytesRead === 0) throw new Error(`${body.file} became shorter`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

function pieces({ file, read, start, end }) {
  if (read === undefined) return createReadStream(file, { start, end: end - 1, highWaterMark: 1 << 18 });
  const make = function* () {
    for (let at = start; at < end; at += AT_ONCE) yield read(at, Math.min(end, at + AT_ONCE));
  };
  return Readable.from(make(), { objectMode: false });
}

export async function send(request, response, reply) {
  const length = bodyLength(reply.body);
  const bodiless = request.method === "HEAD" || reply.status === 304;
  // A HEAD of a file says how long the file is, without its bytes.
  const headers = reply.status === 304 ? reply.headers : { ...reply.headers, "content-length": length };
  response.writeHead(reply.status, headers);
  if (bodiless || length === 0) response.end();
  else if (Buffer.isBuffer(reply.body) || length <= AT_ONCE) response.end(await bodyBytes(reply.body));
  else await pipeline(pieces(reply.body), response);
  return bodiless ? 0 : length;
}
