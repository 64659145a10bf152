import { type Command, Option } from "commander";
import { type LinkOptions, linksOf, withLocalModels } from "../local-models.ts";
import { byteCount, type CommonOptions, withFindings } from "../options.ts";
import { requireLocal } from "../remote.ts";
import { openSession } from "../session.ts";
import { type SignerOptions, signerFiles, signerOf, withSigner } from "../signing/signer-options.ts";
import { repeated } from "../signing/trust-options.ts";

interface SignCommandOptions extends CommonOptions, LinkOptions, SignerOptions {
  readonly signature?: string;
  readonly hash: "sha256" | "blake2b" | "blake3";
  readonly shardSize?: number;
  readonly ignorePaths?: readonly string[];
  readonly allowSymlinks?: boolean;
}

export function registerSign(program: Command): void {
  const command = program
    .command("sign")
    .summary("sign the files of a model")
    .description(
      "Signs every file of a model, a registry or a fingerprint by OpenSSF Model Signing v1.0, so that anyone can tell whether they were changed, and who vouches for them.",
    )
    .argument("<model>", "directory or file");
  withSigner(command)
    .option(
      "--signature <file>",
      "the signature to write (default: model.sig in the directory, FILE.sig beside a file)",
    )
    .addOption(new Option("--hash <hash>", "of files").choices(["sha256", "blake2b", "blake3"]).default("sha256"))
    .option("--shard-size <n>", "hash files in pieces of this many bytes (1GB ...)", byteCount)
    .option("--ignore-paths <path>", "leave out this file or directory, relative to the model (repeatable)", repeated)
    .option("--allow-symlinks", "sign the files that links lead to; without it links are refused");
  withLocalModels(withFindings(command)).action(async (model: string, options: SignCommandOptions) =>
    sign(model, options),
  );
}

async function sign(model: string, options: SignCommandOptions): Promise<void> {
  requireLocal(model, "sign reads every file");
  const { signature } = options;
  const named = [model, ...signerFiles(options), ...(signature === undefined ? [] : [signature])];
  const session = openSession(options, named);
  const { signModel } = await import("../../signing/index.ts");
  const { signReport } = await import("../../report/build.ts");
  const allowLinks = await linksOf(options);
  const signer = await signerOf(options, session.warn);
  const progress = session.progress(`hashing ${model}`, "bytes");
  const result = await signModel(model, signer, {
    signature,
    replace: options.force,
    hash: options.hash,
    shardSize: options.shardSize,
    ignore: options.ignorePaths,
    allowSymlinks: options.allowSymlinks,
    allowLinks,
    onProgress: progress.update,
  }).finally(() => progress.end());
  await session.emit(signReport(session.run(), model, result));
}
