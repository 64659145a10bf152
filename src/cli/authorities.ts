import type { Command } from "commander";
import type { Authorities } from "../commitment/index.ts";

/** Flags of the commands that ask time-stamping authorities. */
export interface AuthorityOptions {
  readonly tsa: readonly string[];
  readonly tsaPolicy?: string;
  readonly tsaRoots?: string;
}

/** Flags of the commands that hold a commitment against a date. */
export interface TimeOptions {
  readonly tsaRoots?: string;
  readonly firstSeen?: string;
}

export function withAuthorities(command: Command): Command {
  command
    .option("--tsa <url>", "a time-stamping authority (RFC 3161) to ask; may be given again", collect, [])
    .option("--tsa-policy <oid>", "the authority's policy to be stamped under (default: its own choice)");
  return withRoots(command);
}

export function withTime(command: Command): Command {
  return withRoots(command).option(
    "--first-seen <date>",
    "when the suspect was seen first: 2026-05-01 (its start in Greenwich) or 2026-05-01T12:00:00Z",
  );
}

export function withRoots(command: Command): Command {
  return command.option("--tsa-roots <file>", "root certificates (PEM or DER) of the authorities that you trust");
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The roots that were named, or null. */
export async function rootsOf({ tsaRoots }: TimeOptions): Promise<Authorities["roots"]> {
  if (tsaRoots === undefined) return null;
  const { readTrustedRoots } = await import("../commitment/index.ts");
  return readTrustedRoots(tsaRoots);
}

/** Milliseconds since 1970, or null. */
export async function firstSeenOf({ firstSeen }: TimeOptions): Promise<number | null> {
  if (firstSeen === undefined) return null;
  const { parseFirstSeen } = await import("../commitment/index.ts");
  return parseFirstSeen(firstSeen);
}

/** Runs what asks authorities, with a connection for it. */
export async function withAuthoritiesOf<T>(
  options: AuthorityOptions,
  work: (authorities: Authorities) => Promise<T>,
): Promise<T> {
  const roots = await rootsOf(options);
  const { parseAddress } = await import("../bytes/http/address.ts");
  const { createHttpClient } = await import("../bytes/http/client.ts");
  // Before models are read, which may take minutes.
  for (const address of options.tsa) parseAddress(address);
  const client = createHttpClient();
  try {
    return await work({ addresses: options.tsa, client, policy: options.tsaPolicy ?? null, roots });
  } finally {
    await client.close();
  }
}
