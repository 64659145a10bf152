import { WeightmarkError } from "../../errors.ts";
import { parseAddress, shownAddress } from "./address.ts";
import { statusError } from "./failure.ts";
import type { HttpClient, HttpReply } from "./http-client.ts";

/** The longest reply of an API. A listing of 1,000 models with their files takes about 2 MB. */
const MAX_BODY = 64 * 1024 * 1024;

/** Statuses whose replies have no body, which `Response` insists on. */
const BODILESS = new Set([204, 205, 304]);

/** What `Headers` takes as a value; servers send other bytes too, and nobody who uses `fetch` needs those. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What a caller's headers may not hold: the client decides who sees a secret. */
const WITHHELD = new Set(["authorization", "cookie", "proxy-authorization", "accept-encoding", "user-agent", "host"]);

function announced(reply: HttpReply): number | null {
  const text = reply.headers.get("content-length") ?? "";
  return /^\d+$/.test(text) ? Number(text) : null;
}

async function readBounded(reply: HttpReply, location: string): Promise<Uint8Array<ArrayBuffer>> {
  const tooLong = () =>
    new WeightmarkError("HTTP_BODY_WRONG", `the reply is longer than ${MAX_BODY} bytes`, { file: location });
  const encoding = reply.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new WeightmarkError("HTTP_BODY_WRONG", "the reply is compressed", { file: location });
  }
  // That no body is shorter than announced is seen to by the library that receives it.
  const length = announced(reply);
  if (length !== null && length > MAX_BODY) throw tooLong();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.chunks(length ?? MAX_BODY)) {
    bytes += chunk.length;
    if (bytes > MAX_BODY) throw tooLong();
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** `fetch` for reading, by the policy of a client. */
export function fetchThrough(exchange: HttpClient["exchange"]): typeof globalThis.fetch {
  return async (input, init) => {
    const text = input instanceof Request ? input.url : String(input);
    const url = parseAddress(text);
    const location = shownAddress(url);
    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    if (method !== "GET" && method !== "HEAD") {
      throw new WeightmarkError("INTERNAL", `${method} was to be sent; weightmark only reads`, { file: location });
    }
    const given = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    const headers = Object.fromEntries([...given].filter(([name]) => !WITHHELD.has(name)));
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    return exchange(
      () => ({ url, method, headers }),
      async (reply) => {
        const bodiless = method === "HEAD" || BODILESS.has(reply.status);
        const body = bodiless ? null : await readBounded(reply, location);
        const received = [...reply.headers].filter(([, value]) => VALUE.test(value));
        if (reply.status < 200 || reply.status > 599) throw statusError(reply.status, location);
        const response = new Response(body, { status: reply.status, headers: received });
        // Without the query: libraries put the address into their messages, and signatures stand there.
        Object.defineProperty(response, "url", { value: shownAddress(reply.url) });
        return response;
      },
      location,
      signal ?? undefined,
    );
  };
}
