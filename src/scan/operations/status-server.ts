import { createServer, type Server } from "node:http";
import { WeightmarkError } from "../../errors.ts";

export interface StatusOptions {
  /** @default the loopback: who may see how much is scanned is for the user to say */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: () => string;
  /** Why no work can be done now, or null. */
  readonly notReady: () => Promise<string | null>;
}

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Longest wait for what /readyz asks, milliseconds: probes give up sooner than a database. */
const READY_MS = 5000;

/** GET /metrics, /healthz (the process turns) and /readyz (it can work); nothing else, and no body is read. */
export async function openStatusServer(options: StatusOptions): Promise<StatusServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    const reply = (status: number, text: string, type = "text/plain; charset=utf-8") => {
      response.writeHead(status, { "content-type": type, connection: "close", "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return reply(405, "GET only\n");
    const path = request.url?.split("?")[0];
    if (path === "/healthz") return reply(200, "ok\n");
    if (path === "/metrics") return reply(200, options.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    if (path !== "/readyz") return reply(404, "/metrics, /healthz or /readyz\n");
    readiness(options.notReady).then((why) => (why === null ? reply(200, "ok\n") : reply(503, `${why}\n`)));
  });
  server.maxConnections = 64;
  await listen(server, options);
  const { port } = server.address() as { port: number };
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readiness(notReady: () => Promise<string | null>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, READY_MS, "no answer in time");
  });
  try {
    return await Promise.race([notReady().catch(() => "the database does not answer"), late]);
  } finally {
    clearTimeout(timer);
  }
}

function listen(server: Server, { host, port }: StatusOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const detail = "Choose another `host:port`.";
      reject(new WeightmarkError("USAGE", `cannot listen on ${host}:${port} (${cause.code})`, { detail, cause }));
    });
    server.listen(port, host, resolve);
  });
}
