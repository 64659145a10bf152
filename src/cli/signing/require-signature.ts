import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { WeightmarkError } from "../../errors.ts";
import type { Fingerprint } from "../../index.ts";
import type { SignatureRequirement } from "../../signing/index.ts";
import { requireLocal } from "../remote.ts";
import { trustIn } from "./trust-options.ts";

/** Flags of the commands that take in what others publish. */
export interface SignatureOptions {
  readonly requireSignature?: string;
  readonly signature?: string;
}

export function withSignature(command: Command): Command {
  return command
    .option(
      "--require-signature <key>",
      "take in only what this public key signed, or a certificate of these roots (PEM)",
    )
    .option("--signature <file>", "with --require-signature: the signature (default: FILE.sig beside the file)");
}

/** What must have signed the files, or undefined where nothing need. Throws USAGE, what reading the key throws. */
export async function requirementOf(
  files: readonly string[],
  { requireSignature, signature }: SignatureOptions,
): Promise<SignatureRequirement | undefined> {
  if (requireSignature === undefined) {
    if (signature === undefined) return undefined;
    throw new WeightmarkError("USAGE", "--signature goes with --require-signature, which says whom to believe");
  }
  for (const file of files) requireLocal(file, "a signature is verified over the file that is read");
  return { trust: await trustIn(requireSignature), signature };
}

/** A fingerprint file as it was signed, and what to call it. */
export async function signedSubject(
  file: string,
  name: string | undefined,
  requirement: SignatureRequirement,
): Promise<{ readonly name: string; readonly fingerprint: Fingerprint }> {
  const stats = await stat(file).catch(() => null);
  if (stats?.isDirectory()) {
    // Fingerprints are taken of some bytes of a model, which may be others than those that were hashed a minute before.
    throw new WeightmarkError("USAGE", "--require-signature takes fingerprint files, and this is a directory", {
      file,
      detail: "Verify the model with weightmark verify, or have its fingerprint published with a signature.",
    });
  }
  const { readSignedFingerprint } = await import("../../registry/index.ts");
  const { subjectName } = await import("../../lineage/subject-name.ts");
  return { name: name ?? subjectName(file), fingerprint: await readSignedFingerprint(file, requirement) };
}
