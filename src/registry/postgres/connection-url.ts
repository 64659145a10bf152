import { WeightmarkError } from "../../errors.ts";

/** What may stand behind the "?". Anything else is refused: a mistyped `sslmode` must not quietly mean "no TLS". */
const PARAMETERS = new Set([
  "host",
  "port",
  "user",
  "password",
  "application_name",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
]);

const SSL_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;

/** As libpq has them: "prefer" is TLS where the server offers it; only the last two say who the server is. */
export type SslMode = (typeof SSL_MODES)[number];

export interface ConnectionUrl {
  /** For the driver. Holds the password: never printed. */
  readonly secret: string;
  /** Without password and parameters, for people. */
  readonly shown: string;
  readonly sslMode: SslMode;
}

export function isDatabaseUrl(location: string): boolean {
  return /^postgres(ql)?:/i.test(location);
}

function parse(url: string): URL | null {
  try {
    const parsed = new URL(url);
    // An unescaped "/", "?" or "#" in a password ends the host before the "@": its rest would be taken for something shown.
    const { pathname, search, hash } = parsed;
    const isSound = /^postgres(ql)?:$/.test(parsed.protocol) && hash === "" && !`${pathname}${search}`.includes("@");
    return isSound ? parsed : null;
  } catch {
    // The error would carry the address, and with it the password.
    return null;
  }
}

/** A database URL without its secrets, fit to be printed; of what is no URL, nothing but its scheme. */
export function redactUrl(url: string): string {
  const parsed = parse(url);
  if (parsed === null) return "postgres://...";
  const user = parsed.username === "" ? "" : `${parsed.username}@`;
  // A unix socket's directory stands in the parameters; all else there is left out.
  const host = parsed.host === "" ? (parsed.searchParams.get("host") ?? "") : parsed.host;
  return `postgres://${user}${host.startsWith("/") ? encodeURIComponent(host) : host}${parsed.pathname}`;
}

/**
 * Checks a URL `postgres://user:password@host:port/database?sslmode=...`. A password may also come from PGPASSWORD or the
 * password file of libpq, the sslmode from PGSSLMODE.
 *
 * @throws DATABASE_URL_INVALID
 */
export function parseConnectionUrl(
  url: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConnectionUrl {
  const parsed = parse(url);
  const refuse = (why: string, detail: string): never => {
    throw new WeightmarkError("DATABASE_URL_INVALID", `the database URL ${why}`, { file: redactUrl(url), detail });
  };
  if (parsed === null) {
    const where = "It may stand in WEIGHTMARK_DATABASE_URL or WEIGHTMARK_REGISTRY.";
    return refuse("cannot be read", `Write postgres://USER@HOST:PORT/DATABASE, special characters as %XX. ${where}`);
  }
  if (parsed.pathname.length < 2) refuse("names no database", "Write postgres://USER@HOST:PORT/DATABASE.");
  for (const name of new Set(parsed.searchParams.keys())) {
    if (PARAMETERS.has(name)) continue;
    refuse(`has the unknown parameter ${name}`, `Known are ${[...PARAMETERS].join(", ")}.`);
  }
  const mode = parsed.searchParams.get("sslmode") ?? env.PGSSLMODE ?? "prefer";
  const sslMode = SSL_MODES.find((known) => known === mode);
  if (sslMode === undefined) return refuse("has an unknown sslmode", `Known are ${SSL_MODES.join(", ")}.`);
  if (sslMode === "verify-ca" && !parsed.searchParams.has("sslrootcert")) {
    refuse("checks a certificate against no authority", "Name one with sslrootcert, or say sslmode=verify-full.");
  }
  return { secret: url, shown: redactUrl(url), sslMode };
}

/** The URL as the driver takes it, with modes as libpq has them, and with another mode where asked. */
export function driverUrl(url: ConnectionUrl, mode: SslMode): string {
  const parsed = new URL(url.secret);
  parsed.searchParams.set("sslmode", mode);
  if (mode !== "disable") parsed.searchParams.set("uselibpqcompat", "true");
  return parsed.href;
}
