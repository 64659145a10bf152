import { join } from "node:path";
import { homeDirectory } from "../bytes/home-directory.ts";
import { parseAddress, shownAddress } from "../bytes/http/address.ts";
import { classifyHost } from "../bytes/http/address-policy.ts";
import type { BearerToken, HttpClientOptions } from "../bytes/http/http-client.ts";
import { proxiesOf } from "../bytes/http/proxies.ts";
import { WeightmarkError } from "../errors.ts";
import { checkedToken, readTokenFile } from "./hub/token.ts";
import type { Remote } from "./remote.ts";

/** What a `Remote` is made of: plain data that travels to worker threads of this machine. It holds a secret. */
export interface RemoteSettings {
  /** Address of the Hub without a slash at its end. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Directory of the Hub's standard cache, or null to ignore it. */
  readonly hubCache: string | null;
  readonly offline: boolean;
}

/** What the command line says instead of the environment. */
export type RemoteOverrides = { readonly [K in keyof RemoteSettings]?: RemoteSettings[K] | undefined };

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = "https://huggingface.co";
const TRUE = new Set(["1", "ON", "YES", "TRUE"]);

function isTrue(value: string | undefined): boolean {
  return TRUE.has((value ?? "").toUpperCase());
}

/** `part` in `place`, or null where there is no such place. */
function within(place: string | null, part: string): string | null {
  return place === null ? null : join(place, part);
}

/** Empty variables count as absent, and so does what lies in a home directory that there is not. */
function directory(value: string | undefined): string | null {
  if (value === undefined || value === "") return null;
  return value === "~" || value.startsWith("~/") ? within(homeDirectory(), value.slice(1)) : value;
}

/** Null where nothing names it and the user has no home directory: then nobody has logged in or downloaded here. */
function hubHome(env: Environment): string | null {
  const caches = () => directory(env.XDG_CACHE_HOME) ?? within(homeDirectory(), ".cache");
  return directory(env.HF_HOME) ?? within(caches(), "huggingface");
}

/** @param named what messages call the place that it is from */
function endpointOf(text: string, named: string): string {
  const url = parseAddress(text, named);
  if (url.search !== "") {
    throw new WeightmarkError("HTTP_ADDRESS_INVALID", `${named} holds a query`, {
      file: shownAddress(url),
      detail: `Set ${named} to what stands before the question mark.`,
    });
  }
  return shownAddress(url).replace(/\/+$/, "");
}

function tokenOf(env: Environment): string | null {
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
    const token = checkedToken(env[name] ?? "", name);
    if (token !== null) return token;
  }
  const file = directory(env.HF_TOKEN_PATH) ?? within(hubHome(env), "token");
  return file === null ? null : readTokenFile(file);
}

/**
 * The settings that the Hub's own clients would use: HF_ENDPOINT, HF_TOKEN (or the file that `hf auth login`
 * writes, HF_TOKEN_PATH), HF_HUB_CACHE, HF_HOME, HF_HUB_OFFLINE.
 *
 * @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 * @throws HTTP_ADDRESS_INVALID, USAGE for what is no token, FILE_UNREADABLE
 */
export function remoteSettings(env: Environment = process.env, overrides: RemoteOverrides = {}): RemoteSettings {
  const cache = directory(env.HF_HUB_CACHE) ?? directory(env.HUGGINGFACE_HUB_CACHE) ?? within(hubHome(env), "hub");
  return {
    endpoint:
      overrides.endpoint === undefined
        ? endpointOf(env.HF_ENDPOINT || DEFAULT_ENDPOINT, "HF_ENDPOINT")
        : endpointOf(overrides.endpoint, "the endpoint"),
    token: overrides.token === undefined ? tokenOf(env) : overrides.token,
    hubCache: overrides.hubCache === undefined ? cache : overrides.hubCache,
    offline: overrides.offline ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
  };
}

/**
 * The token and who may see it. It never travels readable: over plain http it is sent to this machine alone, and not through a
 * proxy, which would read it (CWE-319).
 */
export function bearerToken(
  { endpoint, token }: Pick<RemoteSettings, "endpoint" | "token">,
  env: Environment = process.env,
): BearerToken | null {
  const url = new URL(endpoint);
  const { origin, protocol, hostname } = url;
  if (token === null) return null;
  if (protocol !== "https:" && (classifyHost(hostname) !== "loopback" || isProxied(url, env))) return null;
  return { value: token, origin };
}

function isProxied(url: URL, env: Environment): boolean {
  try {
    return proxiesOf(env).of(url) !== null;
  } catch {
    // By a proxy that cannot be used: no request gets anywhere.
    return true;
  }
}

/** @param options of the client; the token is that of the settings. Close `client` when done. */
export async function openRemote(
  settings: RemoteSettings,
  options: Omit<HttpClientOptions, "token"> = {},
): Promise<Remote> {
  const { createHttpClient } = await import("../bytes/http/client.ts");
  const { endpoint, hubCache, offline } = settings;
  return { endpoint, hubCache, offline, client: createHttpClient({ ...options, token: bearerToken(settings) }) };
}
