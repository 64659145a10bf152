import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { WeightmarkError } from "../errors.ts";
import type { KeyDescription, ModelKey } from "../watermark/index.ts";

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

/** Is told what deserves a look and stops nothing. */
export type Warn = (warning: WeightmarkError) => void;

/** The key that `--key` names. Throws what `readKeyFile` throws. */
export async function openKey(options: PassphraseOptions & { readonly key: string }, warn: Warn): Promise<ModelKey> {
  const { readKeyFile } = await import("../watermark/index.ts");
  await warnOfKey(options.key, warn);
  return readKeyFile(options.key, await passphraseOf(options.passphraseFile, "WEIGHTMARK_PASSPHRASE", warn));
}

/** What the key file says of itself; warns of one that others may read. Throws what `describeKeyFile` throws. */
export async function warnOfKey(file: string, warn: Warn): Promise<KeyDescription> {
  const { describeKeyFile } = await import("../watermark/index.ts");
  const { exposedKey } = await import("../watermark/key/secret-file.ts");
  const description = await describeKeyFile(file);
  if (description.exposed) warn(exposedKey(file, description.sealed));
  return description;
}

/**
 * First line of the file when one is named, else of the variable's value; null when there is neither. Warns of a file that
 * others may read.
 */
export async function passphraseOf(file: string | undefined, variable: string, warn: Warn): Promise<string | null> {
  if (file === undefined) {
    const value = process.env[variable];
    return value ? firstLine(value, variable, undefined) : null;
  }
  const { exposedPassphrase } = await import("../watermark/key/secret-file.ts");
  const warning = await exposedPassphrase(file);
  if (warning !== null) warn(warning);
  return firstLine(decoded(await readPassphrase(file), file), "this file", file);
}

async function readPassphrase(file: string): Promise<Buffer> {
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
  return Buffer.concat(pieces);
}

/** In another encoding the same passphrase would be another one, or none that a variable can hold. */
function decoded(bytes: Buffer, file: string): string {
  if (bytes.length <= MAX_PASSPHRASE_BYTES && isUtf8(bytes)) return bytes.toString("utf8");
  throw new WeightmarkError("USAGE", "the passphrase is no line of UTF-8 text", {
    file,
    detail: "Save the file as UTF-8; a passphrase is its first line.",
  });
}

/** What was typed: editors, `echo`, secret stores and files of variables add line ends and byte order marks that nobody sees. */
function firstLine(text: string, origin: string, file: string | undefined): string {
  const [line = ""] = text.replace(/^\ufeff/, "").split(/\r\n|[\r\n]/, 1);
  if (line !== "") return line;
  throw new WeightmarkError("USAGE", `no passphrase stands in the first line of ${origin}`, { file });
}
