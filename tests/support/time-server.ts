import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";
import { readDer, sequenceOf } from "../../src/timestamps/der.ts";
import { integerOf, oidOf } from "../../src/timestamps/der-values.ts";
import { type Holder, stampReply, stampToken, type TokenOptions } from "./time-authority.ts";

/** What a request asks for. */
export interface Asked {
  readonly imprint: Uint8Array;
  readonly policy: string | null;
  readonly nonce: bigint;
}

function askedIn(query: Uint8Array): Asked {
  const fields = sequenceOf(readDer(query));
  integerOf(fields.next());
  const imprint = sequenceOf(fields.next());
  imprint.next();
  const policy = fields.optional(6);
  return {
    imprint: imprint.next().content,
    policy: policy === null ? null : oidOf(policy),
    nonce: integerOf(fields.next()),
  };
}

/** Answers POSTs of time-stamp requests; what is asked of other paths than "/" is for the test to say. */
export function timeServer(clock: Holder, others: Readonly<Record<string, (asked: Asked) => Uint8Array>> = {}) {
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece) => pieces.push(piece));
      request.on("end", () => {
        if (request.url === "/moved") return response.writeHead(307, { location: "/" }).end();
        if (request.url === "/forbidden") return response.writeHead(403).end();
        const asked = askedIn(Buffer.concat(pieces));
        const other = others[request.url!];
        const good = request.method === "POST" && request.headers["content-type"] === "application/timestamp-query";
        const body = other === undefined ? stampReply(stampOf(asked, clock)) : other(asked);
        return response.writeHead(good ? 200 : 400, { "content-type": "application/timestamp-reply" }).end(body);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return (path = "/") => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}

/** A token for what was asked, with whatever else. */
export function stampOf({ imprint, policy, nonce }: Asked, clock: Holder, options: TokenOptions = {}): Uint8Array {
  return stampToken(new Uint8Array(), clock, { imprint, nonce, ...(policy === null ? {} : { policy }), ...options });
}
