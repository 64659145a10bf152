import { type Command, InvalidArgumentError } from "commander";
import { WeightmarkError } from "../../errors.ts";
import type { Trust } from "../../signing/index.ts";
import { momentOf } from "../../timestamps/moment.ts";
import { readPem, readPems, readText } from "./pem-file.ts";

/** Flags that say whom to believe. */
export interface TrustOptions {
  readonly publicKey?: string;
  readonly certificateChain?: readonly string[];
  readonly at?: Date;
  readonly trustedRoot?: string;
  readonly identity?: string;
  readonly identityProvider?: string;
}

/** Collects what a flag says, each time it is said. */
export function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function withTrust(command: Command): Command {
  return command
    .option("--public-key <file>", "the signer's public key (PEM)")
    .option(
      "--certificate-chain <file>",
      "root certificates to trust, and those in between (PEM; repeatable)",
      repeated,
    )
    .option("--at <time>", "verify certificates as of this time (ISO 8601; default: now)", time)
    .option("--trusted-root <file>", "trusted_root.json of the Sigstore instance, for keyless signatures")
    .option("--identity <identity>", "who must have signed, with --trusted-root")
    .option("--identity-provider <url>", "who must vouch for that identity, with --trusted-root");
}

function time(text: string): Date {
  const at = momentOf(text);
  if (at === null) throw new InvalidArgumentError("A time such as 2026-11-30 or 2026-11-30T12:00:00Z.");
  return new Date(at);
}

/** Files that the flags name. */
export function trustFiles({ publicKey, certificateChain = [], trustedRoot }: TrustOptions): string[] {
  return [publicKey, ...certificateChain, trustedRoot].filter((file) => file !== undefined);
}

/** Whom the flags say to believe. Throws USAGE unless that is one. */
export async function trustOf(options: TrustOptions): Promise<Trust> {
  const { publicKey, certificateChain, at, trustedRoot, identity, identityProvider: issuer } = options;
  const ways = [publicKey, certificateChain, trustedRoot].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new WeightmarkError("USAGE", "say whom to believe in one way", {
      detail: "Give one of --public-key, --certificate-chain and --trusted-root.",
    });
  }
  if (at !== undefined && certificateChain === undefined) {
    throw new WeightmarkError("USAGE", "--at goes with --certificate-chain: nothing else goes by the clock");
  }
  if (trustedRoot !== undefined) {
    if (identity === undefined || issuer === undefined) {
      throw new WeightmarkError(
        "USAGE",
        "anyone can sign with Sigstore: say who must have, by --identity and --identity-provider",
      );
    }
    return { sigstore: { trustedRoot: await readText(trustedRoot), file: trustedRoot, identity, issuer } };
  }
  if (identity !== undefined || issuer !== undefined) {
    throw new WeightmarkError("USAGE", "--identity and --identity-provider go with --trusted-root");
  }
  if (certificateChain !== undefined) return { roots: await readPems(certificateChain), at };
  return { publicKey: await readPem(publicKey!) };
}

/** Whom one file says to believe: a public key, or root certificates. Throws SIGNING_KEY_MALFORMED for anything else. */
export async function trustIn(file: string): Promise<Trust> {
  const text = await readPem(file);
  return /-----BEGIN CERTIFICATE-----/.test(text.pem) ? { roots: text } : { publicKey: text };
}
