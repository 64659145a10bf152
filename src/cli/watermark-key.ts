import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { WeightmarkError } from "../errors.ts";
import type { ModelKey } from "../index.ts";

/** Where a passphrase comes from. Never from the command line itself, which other users of the machine can read. */
export interface PassphraseOptions {
  readonly passphraseFile?: string;
  /** False with --no-passphrase. */
  readonly passphrase?: boolean;
}

/** A passphrase is a line; whatever is longer is another file. */
const MAX_PASSPHRASE_BYTES = 65_536;

/** `--key` and where its passphrase lies, for the commands that mark or verify. */
export function withKey(command: Command): Command {
  return command
    .requiredOption("--key <file>", "the key of the release")
    .option("--passphrase-file <file>", "read the key's passphrase from here (or set WEIGHTMARK_PASSPHRASE)");
}

/** The key that `--key` names. Throws what `readKeyFile` throws. */
export async function openKey(options: PassphraseOptions & { readonly key: string }): Promise<ModelKey> {
  const { readKeyFile } = await import("../index.ts");
  return readKeyFile(options.key, await passphraseOf(options.passphraseFile, "WEIGHTMARK_PASSPHRASE"));
}

/** First line of the file when one is named, else the variable's value; null when there is neither. */
export async function passphraseOf(file: string | undefined, variable: string): Promise<string | null> {
  if (file === undefined) return process.env[variable] || null;
  const pieces: Buffer[] = [];
  try {
    // A stream, for pipes such as <(pass show weightmark) have no size; one byte more than allowed tells that there is more.
    for await (const piece of createReadStream(file, { end: MAX_PASSPHRASE_BYTES })) pieces.push(piece as Buffer);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new WeightmarkError(
      code === "ENOENT" ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
      `the passphrase cannot be read (${code})`,
      { file, cause },
    );
  }
  const bytes = Buffer.concat(pieces);
  const [line = ""] = bytes.toString("utf8").split(/\r?\n/, 1);
  if (bytes.length > MAX_PASSPHRASE_BYTES || line === "") {
    throw new WeightmarkError("USAGE", "no passphrase stands in the first line of this file", { file });
  }
  return line;
}
