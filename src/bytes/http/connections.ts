import type { LookupFunction } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { WeightmarkError } from "../../errors.ts";
import { type AddressClass, classifyHost, mayLead, outermost } from "./address-policy.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { HttpEnvironment, ResolvedAddress } from "./environment.ts";
import { type ProxyServer, proxiesOf } from "./proxies.ts";
import { proxyAgent } from "./proxy-agent.ts";

/** Hosts whose class is remembered. More than any scan meets at a time; forgetting one only makes redirects stricter. */
const MAX_HOSTS = 4096;

/** Connections to every origin, each made only after the resolved address was found to be allowed. */
export interface Connections {
  /**
   * What sends a request to `url` that began at `from`, the user's own address.
   *
   * @throws HTTP_ADDRESS_REFUSED where it can be told before a name is resolved; else the request itself fails with it;
   *   PROXY_INVALID
   */
  dispatcher(url: URL, from: URL): Dispatcher;
  close(): Promise<void>;
}

function refused(hostname: string, to: AddressClass): WeightmarkError {
  const what = to === "forbidden" ? "an address that nothing may be read from" : `a ${to} address`;
  return new WeightmarkError("HTTP_ADDRESS_REFUSED", `${hostname} is ${what}`, {
    detail: "Give the address itself if it is really meant.",
  });
}

/**
 * The class of an address is checked on what its name resolved to, as the connection is made, so that a name cannot mean
 * one address when it is looked at and another when it is used (DNS rebinding, CWE-350, CWE-918). What the user typed may
 * lie anywhere but where nothing may be read from; a name must stay in the class it was first found in. A redirect may not
 * lead further inside than that. Connections made for redirects are kept apart from the others: one that is open already is
 * not looked up again.
 *
 * Where a request takes a proxy, the proxy resolves names: then only literal addresses and names that say what they are
 * (`localhost`) can be checked here, and names behind the proxy count as public.
 */
export function connections(options: ConnectionOptions, environment: HttpEnvironment): Connections {
  const classes = new Map<string, AddressClass>();

  function remember(hostname: string, found: AddressClass): void {
    if (classes.has(hostname)) return;
    if (classes.size >= MAX_HOSTS) classes.delete(classes.keys().next().value!);
    classes.set(hostname, found);
  }

  async function allowedAddresses(hostname: string, limit: AddressClass | null): Promise<readonly ResolvedAddress[]> {
    const found = (await environment.resolve(hostname)).map((each) => ({
      ...each,
      is: environment.classify(each.address),
    }));
    // A name with addresses inside and outside is a public name: what it has inside is not for us.
    const is = outermost(found.map((each) => each.is));
    if (!mayLead(limit ?? classes.get(hostname) ?? "loopback", is)) throw refused(hostname, is);
    if (limit === null) remember(hostname, is);
    return found.filter((each) => each.is === is).map(({ address, family }) => ({ address, family }));
  }

  /** @param limit null for what the user typed */
  function create(limit: AddressClass | null): Dispatcher {
    const lookup: LookupFunction = (hostname, { all }, callback) => {
      allowedAddresses(hostname, limit).then(
        (found) => (all ? callback(null, [...found]) : callback(null, found[0]!.address, found[0]!.family)),
        (error) => callback(error, ""),
      );
    };
    const { idleTimeoutMs: idle } = options;
    return new Agent({
      connections: options.connections,
      headersTimeout: idle,
      bodyTimeout: idle,
      connect: buildConnector({ timeout: idle, lookup, ...(environment.ca === null ? {} : { ca: environment.ca }) }),
    });
  }

  const proxies = proxiesOf(environment.variables);
  const agents = new Map<string, Dispatcher>();
  /** Of requests by way of a proxy as well, those for redirects are kept apart. */
  function agent(limit: AddressClass | null, proxy: ProxyServer | null): Dispatcher {
    const key = `${limit} ${proxy?.variable}`;
    const there = agents.get(key) ?? (proxy === null ? create(limit) : proxyAgent(proxy, options, environment.ca));
    agents.set(key, there);
    return there;
  }

  const literalClass = (url: URL) => classifyHost(url.hostname, environment.classify);

  return {
    dispatcher(url, from) {
      const is = literalClass(url);
      if (url.origin === from.origin) {
        if (is === "forbidden") throw refused(url.hostname, is);
        return agent(null, proxies.of(url));
      }
      const limit = literalClass(from) ?? classes.get(from.hostname) ?? "public";
      if (is !== null && !mayLead(limit, is)) throw refused(url.hostname, is);
      return agent(limit, proxies.of(url));
    },
    async close() {
      await Promise.all([...agents.values()].map((each) => each.destroy()));
    },
  };
}
