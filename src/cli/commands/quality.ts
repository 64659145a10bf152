import { type Command, Option } from "commander";
import { WeightmarkError } from "../../errors.ts";
import type { Checkpoint } from "../../index.ts";
import type { EngineName, Tokenized } from "../../quality/index.ts";
import { type LinkOptions, linksOf, withLocalModels } from "../local-models.ts";
import { byteCount, type CommonOptions, wholeNumber, withCommon } from "../options.ts";
import { requireLocal } from "../remote.ts";
import { openSession } from "../session.ts";

interface QualityCommandOptions extends CommonOptions, LinkOptions {
  readonly text?: string;
  readonly tokenIds?: string;
  readonly context: number;
  readonly maxTokens: number;
  readonly engine: EngineName;
  readonly threads?: number;
  readonly maxBytes?: number;
}

export function registerQuality(program: Command): void {
  const command = program
    .command("quality")
    .summary("run the same text through two models and compare what they predict")
    .description(
      "Runs the same text through two models: change of the likelihood with its confidence interval, KL divergence, agreement, whether all logits are equal to the bit.",
    )
    .argument("<a>", "model, such as the original")
    .argument("<b>", "model, such as the marked one")
    .option("--text <file>", "UTF-8 text; the models' tokenizer.json turns it into tokens")
    .option("--token-ids <file>", "JSON list of token ids, or list of such lists, instead of a text")
    .option("--context <n>", "tokens of a window", wholeNumber(2, 131_072), 512)
    .option("--max-tokens <n>", "tokens that are run at most", wholeNumber(2, 10_000_000), 8192)
    .addOption(
      new Option("--engine <engine>", "who multiplies matrices").choices(["wasm", "tfjs-node"]).default("wasm"),
    )
    .option("--threads <n>", "worker threads of the wasm engine; 0 uses none", wholeNumber(0, 256))
    .option("--max-bytes <n>", "refuse models of more bytes together (10MB, 2GiB ...)", byteCount);
  withLocalModels(withCommon(command)).action(async (a: string, b: string, options: QualityCommandOptions) =>
    quality(a, b, options),
  );
}

async function quality(pathA: string, pathB: string, options: QualityCommandOptions): Promise<void> {
  const tokenFile = options.text ?? options.tokenIds;
  if (tokenFile === undefined || (options.text !== undefined && options.tokenIds !== undefined)) {
    throw new WeightmarkError("USAGE", "give either --text or --token-ids");
  }
  for (const path of [pathA, pathB]) requireLocal(path, "quality runs the whole model");
  const session = openSession(options, [pathA, pathB, tokenFile]);
  const { storedBytes } = await import("../../checkpoint/stored-bytes.ts");
  const { openCheckpoint } = await import("../../index.ts");
  const { compareQuality } = await import("../../quality/index.ts");
  const { manifestRoot } = await import("../../report/manifest-root.ts");
  const { qualityReport } = await import("../../report/build.ts");
  const allowLinks = await linksOf(options);
  const open: Checkpoint[] = [];
  try {
    for (const path of [pathA, pathB]) open.push(await openCheckpoint(path, { allowLinks }));
    const [a, b] = open as [Checkpoint, Checkpoint];
    requireWithin(storedBytes(a) + storedBytes(b), options.maxBytes);
    const tokens = await readTokens(a, b, options);
    const progress = session.progress("running both models", "tokens");
    const result = await compareQuality(a, b, tokens, {
      context: options.context,
      maxTokens: options.maxTokens,
      engine: options.engine,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      onProgress: progress.update,
    }).finally(() => progress.end());
    const side = (checkpoint: Checkpoint) => ({
      location: checkpoint.location,
      manifestRoot: manifestRoot(checkpoint.tensors.values()),
      bytesTotal: String(storedBytes(checkpoint)),
    });
    const kind = options.text === undefined ? "token-ids" : "text";
    const inputs = { a: side(a), b: side(b), tokens: { location: tokenFile, kind } } as const;
    await session.emit(
      qualityReport(session.run(), inputs, { ...result, caveats: [...tokens.notes, ...result.caveats] }),
    );
  } finally {
    for (const checkpoint of open) await checkpoint.close();
  }
}

async function readTokens(a: Checkpoint, b: Checkpoint, options: QualityCommandOptions): Promise<Tokenized> {
  const { readText, readTokenIds, tokenize } = await import("../../quality/index.ts");
  if (options.text === undefined) return { ...(await readTokenIds(options.tokenIds!)), notes: [] };
  return tokenize(await readText(options.text, options.maxTokens), a, b);
}

/** Batches read the weights again each, workers on their own account: what counts is the size of the models. */
function requireWithin(bytes: number, most: number | undefined): void {
  if (most === undefined || bytes <= most) return;
  throw new WeightmarkError("BYTE_BUDGET_EXCEEDED", `reading all ${bytes} bytes would exceed ${most}`, {
    detail: "Raise --max-bytes.",
  });
}
