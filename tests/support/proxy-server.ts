import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, createServer as createSocketServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CERTIFICATE, CERTIFICATE_KEY } from "./fault-server-certificate.ts";

/** A proxy on this machine that leads every tunnel to one port, whatever it was asked for. */
export interface ProxyStandIn {
  readonly port: number;
  /** What tunnels were asked for, in order: host:port. */
  readonly tunnels: string[];
  /** What its users said of themselves, in order: user:password, or "" where they said nothing. */
  readonly users: string[];
  close(): Promise<void>;
}

/** Hosts that begin so are refused. */
const REFUSED = "refused.test";

interface Started {
  readonly server: Server;
  readonly tunnels: string[];
  readonly users: string[];
  readonly sockets: Set<Duplex>;
}

async function started({ server, tunnels, users, sockets }: Started): Promise<ProxyStandIn> {
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    port: (server.address() as AddressInfo).port,
    tunnels,
    users,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Joins a tunnel to what it leads to. */
function join(socket: Duplex, port: number, sockets: Set<Duplex>, opened: () => void): void {
  const through = connect(port, "127.0.0.1", () => {
    opened();
    through.pipe(socket).pipe(through);
  });
  sockets.add(through);
  through.on("error", () => socket.destroy());
  socket.on("error", () => through.destroy());
}

/** One that speaks HTTP, over TLS on demand. */
export function startHttpProxy(leadsTo: number, secure = false): Promise<ProxyStandIn> {
  const [tunnels, users, sockets]: [string[], string[], Set<Duplex>] = [[], [], new Set()];
  const server = secure ? createSecureServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }) : createServer();
  server.on("connect", (request: IncomingMessage, socket: Duplex) => {
    tunnels.push(request.url ?? "");
    const [, encoded = ""] = /^Basic (.*)$/.exec(request.headers["proxy-authorization"] ?? "") ?? [];
    users.push(Buffer.from(encoded, "base64").toString());
    if (request.url?.startsWith(REFUSED)) socket.end("HTTP/1.1 407 Who are you\r\n\r\n");
    else join(socket, leadsTo, sockets, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
  });
  return started({ server, tunnels, users, sockets });
}

/** One that speaks SOCKS 5 (RFC 1928, RFC 1929), with names that it resolves itself. */
export function startSocksProxy(leadsTo: number): Promise<ProxyStandIn> {
  const [tunnels, users, sockets]: [string[], string[], Set<Duplex>] = [[], [], new Set()];
  const server = createSocketServer((socket) => {
    socket.on("error", () => socket.destroy());
    const steps = [
      (hello: Buffer) => {
        const wantsUser = hello.subarray(2, 2 + hello[1]!).includes(2);
        if (!wantsUser) steps.splice(0, 1);
        socket.write(Uint8Array.of(5, wantsUser ? 2 : 0));
        if (!wantsUser) users.push("");
      },
      (said: Buffer) => {
        const name = said.subarray(2, 2 + said[1]!);
        users.push(`${name}:${said.subarray(3 + name.length)}`);
        socket.write(Uint8Array.of(1, 0));
      },
      (asked: Buffer) => {
        const end = asked.length - 2;
        const host = asked[3] === 3 ? String(asked.subarray(5, end)) : asked.subarray(4, end).join(".");
        tunnels.push(`${host}:${asked.readUInt16BE(end)}`);
        const refuses = host === REFUSED;
        const reply = Uint8Array.of(5, refuses ? 2 : 0, 0, 1, 0, 0, 0, 0, 0, 0);
        socket.removeAllListeners("data");
        if (refuses) socket.end(reply);
        else join(socket, leadsTo, sockets, () => socket.write(reply));
      },
    ];
    socket.on("data", (piece) => steps.shift()!(piece));
  });
  return started({ server, tunnels, users, sockets });
}
