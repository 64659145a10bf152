import { WeightmarkError } from "../../errors.ts";
import type { ByteRange } from "../byte-source.ts";
import { byteCount, contentRange, fillExactly, unsatisfiedSize } from "./content-range.ts";
import { statusError } from "./failure.ts";
import type { HttpClient, HttpReply } from "./http-client.ts";
import {
  changed,
  isStrong,
  type LinkedFile,
  linkedFileOf,
  sameFile,
  sha256Of,
  type Validator,
  validatorOf,
} from "./validator.ts";

export interface RemoteFileOptions {
  /** What messages call the file. No secrets: no query string of a signed address. */
  readonly location: string;
  /** What a listing said of it, or null. */
  readonly expected: { readonly size: number; readonly sha256: string | null } | null;
  /** Whether the address names a commit, so that what it stands for never changes. */
  readonly pinned: boolean;
  /** What to do where the server refuses (400, 401, 403). @default that of the code */
  readonly advice?: string | undefined;
}

/** Bytes [start, start + bytes.length), perhaps more than were asked for. */
export interface Chunk {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** One file at an address: ranges of it, all of the same content. */
export interface RemoteFile {
  readonly size: number;
  /** Exactly these bytes, or the whole of a file that the server sends no ranges of. */
  range(range: ByteRange, signal?: AbortSignal): Promise<Chunk>;
  /** Throws CHANGED_DURING_READ when the address stands for something else by now. */
  verifyUnchanged(): Promise<void>;
}

/** What storage says of a signed address that has expired, that it does not accept, or that it no longer knows. */
const EXPIRED = new Set([400, 401, 403, 404, 410]);

/** Everything that was learnt of the file from replies so far. */
interface Known {
  size: number | null;
  validator: Validator | null;
  linked: LinkedFile | null;
  /** Where the address leads, itself or elsewhere, asked directly until it expires: storage counts no requests, a Hub does. */
  target: URL | null;
}

/**
 * The file at an address and its first bytes.
 *
 * @param first how many bytes to ask for at once, at least 1
 * @throws HTTP_* (a refusal of the server or of what it sent), CHANGED_DURING_READ where it is not what was expected
 */
export async function openRemoteFile(
  client: HttpClient,
  address: URL,
  first: number,
  options: RemoteFileOptions,
): Promise<{ readonly file: RemoteFile; readonly prefix: Chunk }> {
  const { location, expected, pinned, advice } = options;
  const known: Known = { size: expected?.size ?? null, validator: null, linked: null, target: null };
  let resolving: Promise<unknown> | null = null;

  /** Holds a reply against what is known, and keeps what it tells. */
  function check(reply: HttpReply, size: number, viaAddress: boolean): void {
    if (known.size !== null && size !== known.size) {
      const before = known.validator === null && expected !== null ? "was listed with" : "had";
      throw changed(`${before} ${known.size} bytes and now has ${size}`, location);
    }
    const [validator, linked] = [validatorOf(reply), linkedFileOf(reply)];
    let vouched = false;
    if (viaAddress) {
      const sha256 = sha256Of(linked.etag);
      if (expected?.sha256 != null && sha256 !== null && sha256 !== expected.sha256.toLowerCase()) {
        throw changed("has another SHA-256 than was listed", location);
      }
      if (known.linked !== null && (known.linked.etag !== linked.etag || known.linked.commit !== linked.commit)) {
        throw changed("was replaced while it was being read", location);
      }
      // Another storage may name the same content otherwise: then the Hub's word counts, which names it by its hash.
      vouched = sha256 !== null && known.linked !== null;
      known.linked = linked;
      known.target = reply.url;
    }
    if (known.validator !== null && !vouched && !sameFile(known.validator, validator)) {
      throw changed("was replaced while it was being read", location);
    }
    known.size = size;
    known.validator = validator;
  }

  /** What a reply to a request for a range is of the file; throws what it is not. */
  function accept(reply: HttpReply, asked: ByteRange, viaAddress: boolean): ByteRange {
    const { status, headers } = reply;
    if (status === 206) {
      const { start, end, total } = contentRange(headers, location);
      const size = total ?? known.size;
      if (size === null) {
        throw new WeightmarkError("HTTP_RANGE_WRONG", "the server does not say how long the file is", {
          file: location,
        });
      }
      check(reply, size, viaAddress);
      const wanted = Math.min(asked.end, size);
      if (start === asked.start && end === wanted) return { start, end };
      const message = `the server sent bytes ${start} to ${end} where ${asked.start} to ${wanted} were asked for`;
      throw new WeightmarkError("HTTP_RANGE_WRONG", message, { file: location });
    }
    if (status === 200) {
      const size = byteCount(headers.get("content-length"), location) ?? known.size;
      if (size === null || size > asked.end - asked.start) {
        throw new WeightmarkError("HTTP_RANGE_UNSUPPORTED", "the server would send the whole file for a part of it", {
          file: location,
          detail: "Download the file and name it.",
        });
      }
      check(reply, size, viaAddress);
      return { start: 0, end: size };
    }
    if (status === 416) {
      const size = unsatisfiedSize(headers, location);
      if (size === 0 && asked.start === 0) {
        check(reply, 0, viaAddress);
        return { start: 0, end: 0 };
      }
      if (size !== null && size < asked.end) throw changed("became shorter while it was being read", location);
      throw new WeightmarkError("HTTP_RANGE_WRONG", "the server refuses a range that the file has", { file: location });
    }
    throw refusalOf(reply);
  }

  /** A place that was led to speaks for itself: the server has given the file out. */
  function refusalOf({ status, url }: HttpReply): WeightmarkError {
    return statusError(status, location, url.origin === address.origin ? null : url.host, advice);
  }

  /** Whether asking the address again may lead to a place that does not refuse. */
  function isExpired({ status, url }: HttpReply): boolean {
    return EXPIRED.has(status) && url.href !== address.href;
  }

  /** One range, from where the file is known to lie or by way of the address; null when it is not given out there. */
  async function fetchRange(
    asked: ByteRange,
    target: URL | null,
    isLast: boolean,
    signal?: AbortSignal,
  ): Promise<Chunk | null> {
    const viaAddress = target === null || target.href === address.href;
    let chunk: Chunk = { start: asked.start, bytes: new Uint8Array() };
    let rest = asked;
    return client.exchange(
      () => ({
        url: target ?? address,
        from: address,
        headers: { range: `bytes=${rest.start}-${rest.end - 1}` },
      }),
      async (reply) => {
        if (!isLast && isExpired(reply)) return null;
        const got = accept(reply, rest, viaAddress);
        if (rest === asked) chunk = { start: got.start, bytes: new Uint8Array(got.end - got.start) };
        if (reply.status === 416) return chunk;
        const whole = reply.status === 200;
        const end = chunk.start + chunk.bytes.length;
        await fillExactly(reply, chunk.bytes, whole ? 0 : rest.start - chunk.start, location, (filled) => {
          // Should the body break off here, only what is missing is asked for, of servers that can.
          if (!whole) rest = { start: chunk.start + filled, end };
        });
        return chunk;
      },
      location,
      signal,
    );
  }

  /** By way of the address. Twice, should the place that it leads to refuse what was signed for it a moment ago. */
  async function resolveRange(asked: ByteRange, signal?: AbortSignal): Promise<Chunk> {
    return (await fetchRange(asked, null, false, signal)) ?? (await fetchRange(asked, null, true, signal))!;
  }

  async function range(asked: ByteRange, signal?: AbortSignal): Promise<Chunk> {
    // Twice: what another request found out meanwhile may have expired as well.
    for (let tries = 0; tries < 2; tries += 1) {
      // While one request finds out where the file lies now, the others wait for what it finds.
      while (resolving !== null) await resolving.catch(() => undefined);
      const used = known.target;
      if (used === null) break;
      const chunk = await fetchRange(asked, used, false, signal);
      if (chunk !== null) return chunk;
      if (known.target === used) known.target = null;
    }
    const resolved = resolveRange(asked, signal).finally(() => {
      if (resolving === resolved) resolving = null;
    });
    resolving = resolved;
    return await resolved;
  }

  async function verifyUnchanged(): Promise<void> {
    if (pinned || known.validator === null) return;
    const { etag, lastModified } = known.validator;
    const condition: Record<string, string> = isStrong(etag)
      ? { "if-none-match": etag }
      : lastModified !== null && etag === null
        ? { "if-modified-since": lastModified }
        : {};
    if (!(await askUnchanged(condition, false))) await askUnchanged(condition, true);
  }

  /** False when the place that the address leads to does not give the file out. */
  function askUnchanged(condition: Readonly<Record<string, string>>, isLast: boolean): Promise<boolean> {
    return client.exchange(
      () => ({ url: address, from: address, headers: { range: "bytes=0-0", ...condition } }),
      async (reply) => {
        if (!isLast && isExpired(reply)) return false;
        if (reply.status === 304) return true;
        if (reply.status === 404 || reply.status === 410)
          throw changed("was removed while it was being read", location);
        // A server without ranges shows its whole file's headers; its body is thrown away.
        if (reply.status === 200) {
          check(reply, byteCount(reply.headers.get("content-length"), location) ?? known.size!, true);
        } else {
          accept(reply, { start: 0, end: 1 }, true);
        }
        return true;
      },
      location,
    );
  }

  const prefix = await range({ start: 0, end: first });
  return { file: { size: known.size!, range, verifyUnchanged }, prefix };
}
