import type { Command } from "commander";
import type { Signer } from "../../signing/index.ts";
import { type PassphraseOptions, passphraseOf, type Warn } from "../watermark-key.ts";
import { readPem, readPrivateKeyFile } from "./pem-file.ts";
import { repeated } from "./trust-options.ts";

/** Flags that say what to sign with. */
export interface SignerOptions extends PassphraseOptions {
  readonly privateKey: string;
  readonly signingCertificate?: string;
  readonly certificateChain?: readonly string[];
}

export function withSigner(command: Command): Command {
  return command
    .requiredOption("--private-key <file>", "ECDSA key on P-256, P-384 or P-521 (PEM)")
    .option("--passphrase-file <file>", "read the key's passphrase from here (or set WEIGHTMARK_PASSPHRASE)")
    .option("--signing-certificate <file>", "sign by certificate: that of the key (PEM)")
    .option("--certificate-chain <file>", "certificates between that one and a root (PEM; repeatable)", repeated);
}

/** Files that the flags name. */
export function signerFiles({ privateKey, passphraseFile, signingCertificate, certificateChain = [] }: SignerOptions) {
  return [privateKey, passphraseFile, signingCertificate, ...certificateChain].filter((file) => file !== undefined);
}

/** What the flags say to sign with. */
export async function signerOf(options: SignerOptions, warn: Warn): Promise<Signer> {
  const { privateKey, passphraseFile, signingCertificate, certificateChain = [] } = options;
  const key = await readPrivateKeyFile(privateKey);
  const isSealed = /ENCRYPTED/.test(key.pem);
  return {
    privateKey: key,
    passphrase: isSealed ? await passphraseOf(passphraseFile, "WEIGHTMARK_PASSPHRASE", warn) : null,
    certificate: signingCertificate === undefined ? undefined : await readPem(signingCertificate),
    chain: await Promise.all(certificateChain.map(readPem)),
  };
}
