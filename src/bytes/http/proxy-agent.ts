import { isIP } from "node:net";
import { type buildConnector, type Dispatcher, Pool, ProxyAgent } from "undici";
import type { ConnectionOptions } from "./connection-options.ts";
import type { ProxyServer } from "./proxies.ts";

/** Basic authentication (RFC 7617). */
function basic({ username, password }: NonNullable<ProxyServer["credentials"]>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Connections to a proxy. One that has an address and no name is asked for no name: Node warns of that on stderr. */
function nameless(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const isName = isIP((options.servername ?? "").replace(/^\[|\]$/g, "")) === 0;
    connect(isName ? options : { ...options, servername: "" }, callback);
  };
}

/**
 * Requests by way of a proxy, each origin through a tunnel of its own: what is read over https stays unread on the way.
 *
 * @param ca certificates trusted instead of the system's, PEM; null for the system's
 */
export function proxyAgent(proxy: ProxyServer, options: ConnectionOptions, ca: string | null): Dispatcher {
  const { address, credentials } = proxy;
  const { idleTimeoutMs: idle, connections } = options;
  const trusted = ca === null ? {} : { ca };
  const isSocks = address.protocol === "socks5:";
  const agent = new ProxyAgent({
    uri: address.href,
    connections,
    requestTls: trusted,
    // To a SOCKS proxy that has any there would be TLS.
    ...(isSocks ? {} : { proxyTls: { timeout: idle, ...trusted } }),
    clientFactory: (origin, { connect }: { connect: buildConnector.connector }) =>
      new Pool(origin, { connect: nameless(connect) }),
    ...(credentials === null ? {} : isSocks ? credentials : { token: basic(credentials) }),
  });
  // Of each request, for the agent passes its own on to no connection by way of SOCKS.
  return agent.compose((dispatch) => (request, handler) => {
    return dispatch({ ...request, headersTimeout: idle, bodyTimeout: idle }, handler);
  });
}
