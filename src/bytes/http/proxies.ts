import { BlockList, isIP } from "node:net";
import { WeightmarkError } from "../../errors.ts";

/** What the environment says, by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A proxy that requests take. */
export interface ProxyServer {
  /** The variable that names it. */
  readonly variable: string;
  /** Without the name and password: http, https or socks5. */
  readonly address: URL;
  /** A secret between us and the proxy: never shown. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
}

/** Which proxy a request takes. */
export interface Proxies {
  /**
   * The proxy of requests to `url`, or null where they go there themselves.
   *
   * @throws PROXY_INVALID where a variable names one that cannot be used; no other request hears of it
   */
  of(url: URL): ProxyServer | null;
}

/** In the order in which they are asked; of two spellings the lower case counts. A blank one counts as absent. */
const VARIABLES = new Map([
  ["https:", ["https_proxy", "http_proxy", "all_proxy"]],
  ["http:", ["http_proxy", "all_proxy"]],
]);

/** With socks5 as with socks5h names are the proxy's to resolve. */
const SCHEMES = new Map([
  ["http:", "http:"],
  ["https:", "https:"],
  ["socks5:", "socks5:"],
  ["socks5h:", "socks5:"],
  ["socks:", "socks5:"],
]);

interface Named {
  readonly variable: string;
  readonly text: string;
}

/** A variable in either spelling, as it stands, or null where it says nothing. */
function read(variables: Variables, name: string): Named | null {
  const variable = variables[name] === undefined ? name.toUpperCase() : name;
  const text = (variables[variable] ?? "").trim();
  return text === "" ? null : { variable, text };
}

function invalid(variable: string, why: string): WeightmarkError {
  return new WeightmarkError("PROXY_INVALID", `${variable} ${why}`);
}

/** What is written as it is, and not in percent signs, is meant as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The proxy that a variable names; a bare host:port is one that speaks HTTP. What it holds is not repeated: it may be a secret.
 */
function parseProxy({ variable, text }: Named): ProxyServer {
  const [, scheme = "http:", rest = text] = /^([a-z][a-z0-9+.-]*:)\/\/(.*)$/is.exec(text) ?? [];
  const known = SCHEMES.get(scheme.toLowerCase());
  if (known === undefined) throw invalid(variable, `names a ${scheme.slice(0, 10)}// proxy, which cannot be used`);
  // As http, for of a scheme that they do not know URLs take whatever stands there for a host.
  const written = `${known === "https:" ? known : "http:"}//${rest}`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || url.hostname === "") throw invalid(variable, "holds no address of a proxy");
  const { username, password, host } = url;
  const isSecret = username !== "" || password !== "";
  return {
    variable,
    address: new URL(`${known}//${known === "socks5:" && url.port === "" ? `${host}:1080` : host}`),
    credentials: isSecret ? { username: decoded(username), password: decoded(password) } : null,
  };
}

const DEFAULT_PORTS = new Map([
  ["http:", 80],
  ["https:", 443],
]);

/** An entry of NO_PROXY: a name with all below it, an address, or a network such as 10.0.0.0/8; with a port for this one only. */
interface Exemption {
  readonly port: number | null;
  covers(host: string): boolean;
}

function exemption(entry: string): Exemption {
  const [, bracketed, bare = "", digits] = /^(?:\[([^\]]+)\]|(.*?))(?::(\d+))?$/.exec(entry)!;
  // An IPv6 address may stand there without brackets, and is no host with a port.
  const isPlain = isIP(entry) === 6 || /^[0-9a-f:.]*:[0-9a-f:.]*\/\d+$/i.test(entry);
  const host = isPlain ? entry : (bracketed ?? bare);
  const port = isPlain || digits === undefined ? null : Number(digits);
  const [zoned = "", bits] = host.split("/", 2);
  const address = zoned.replace(/%.*$/, "");
  const family = isIP(address);
  if (family === 0) {
    const name = host.toLowerCase().replace(/^\*?\.|\.$/g, "");
    return { port, covers: (other) => name !== "" && (other === name || other.endsWith(`.${name}`)) };
  }
  const list = new BlockList();
  const type = family === 6 ? "ipv6" : "ipv4";
  const longest = family === 6 ? 128 : 32;
  const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : longest + 1;
  if (length <= longest) list.addSubnet(address, length, type);
  return { port, covers: (other) => isIP(other) !== 0 && list.check(other, isIP(other) === 6 ? "ipv6" : "ipv4") };
}

/** The proxies that the environment names, read once. */
export function proxiesOf(variables: Variables): Proxies {
  const named = new Map<string, Named | null>();
  for (const [scheme, names] of VARIABLES) {
    named.set(scheme, names.map((name) => read(variables, name)).find((found) => found !== null) ?? null);
  }
  const entries =
    read(variables, "no_proxy")
      ?.text.split(/[\s,]+/)
      .filter((entry) => entry !== "") ?? [];
  const exemptions = entries.map(exemption);
  const parsed = new Map<Named, ProxyServer>();
  return {
    of(url) {
      const found = named.get(url.protocol) ?? null;
      if (found === null || entries.includes("*")) return null;
      const host = url.hostname.toLowerCase().replace(/^\[|\]$|\.$/g, "");
      const port = url.port === "" ? DEFAULT_PORTS.get(url.protocol) : Number(url.port);
      if (exemptions.some((each) => (each.port === null || each.port === port) && each.covers(host))) return null;
      const proxy = parsed.get(found) ?? parseProxy(found);
      parsed.set(found, proxy);
      return proxy;
    },
  };
}
