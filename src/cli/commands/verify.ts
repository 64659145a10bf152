import type { Command } from "commander";
import { type LinkOptions, linksOf, withLocalModels } from "../local-models.ts";
import { type CommonOptions, withFindings } from "../options.ts";
import { requireLocal } from "../remote.ts";
import { openSession } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";
import { repeated, type TrustOptions, trustFiles, trustOf, withTrust } from "../signing/trust-options.ts";

interface VerifyCommandOptions extends CommonOptions, LinkOptions, TrustOptions {
  readonly signature?: string;
  readonly ignorePaths?: readonly string[];
  readonly ignoreUnsignedFiles?: boolean;
  readonly allowSymlinks?: boolean;
}

export function registerVerify(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command("verify")
    .summary("verify who signed a model, and that its files are those")
    .description(
      "Verifies a signature by OpenSSF Model Signing v1.0: who signed, and which files were changed, are missing or were never signed. Exits with 1 when it does not hold.",
    )
    .argument("<model>", "directory or file")
    .option("--signature <file>", "the signature (default: model.sig in the directory, FILE.sig beside a file)");
  withTrust(command)
    .option("--ignore-paths <path>", "leave out this file or directory, relative to the model (repeatable)", repeated)
    .option("--ignore-unsigned-files", "let files be there that were never signed")
    .option("--allow-symlinks", "follow links to files, also where the signer had none");
  withLocalModels(withFindings(command)).action(async (model: string, options: VerifyCommandOptions) => {
    setExitCode((await verify(model, options)) ? 0 : 1);
  });
}

async function verify(model: string, options: VerifyCommandOptions): Promise<boolean> {
  requireLocal(model, "verify reads every file");
  const { signature } = options;
  const session = openSession(options, [
    model,
    ...(signature === undefined ? [] : [signature]),
    ...trustFiles(options),
  ]);
  const { verifyModel } = await import("../../signing/index.ts");
  const { signatureReport } = await import("../../report/build.ts");
  const trust = await trustOf(options);
  const allowLinks = await linksOf(options);
  const progress = session.progress(`hashing ${model}`, "bytes");
  const result = await verifyModel(model, trust, {
    signature,
    ignore: options.ignorePaths,
    ignoreUnsigned: options.ignoreUnsignedFiles,
    allowSymlinks: options.allowSymlinks,
    allowLinks,
    onProgress: progress.update,
  }).finally(() => progress.end());
  await session.emit(signatureReport(session.run(), model, result));
  return result.holds;
}
