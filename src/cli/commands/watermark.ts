import { existsSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { WeightmarkError } from "../../errors.ts";
import { firstSeenOf, rootsOf, type TimeOptions, withTime } from "../authorities.ts";
import { withInside } from "../inside.ts";
import { type LinkOptions, pathOf, withLocalModels } from "../local-models.ts";
import { type CommonOptions, wholeNumber, withCommon, withFindings } from "../options.ts";
import { openPublicBases } from "../public-base.ts";
import { atRevision, MODEL, openModel, type RemoteOptions, requireLocal, withRemote } from "../remote.ts";
import { openSession, requireOtherFile, type Session } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";
import { openKey, type PassphraseOptions, withKey } from "../watermark-key.ts";

const FAIL_ON = ["absent", "evidence", "strong", "forensic"] as const;

interface StrengthOptions {
  readonly strength?: "default" | "strong";
  readonly rho?: number;
}

interface BaseOptions extends CommonOptions {
  readonly base?: string;
}

interface WorkOptions extends BaseOptions {
  readonly threads?: number;
}

type CapacityOptions = BaseOptions & StrengthOptions & RemoteOptions;
type KeyOptions = PassphraseOptions & { readonly key: string };
type EmbedOptions = WorkOptions &
  LinkOptions &
  StrengthOptions &
  KeyOptions & {
    readonly payload?: string;
    readonly sketch: boolean;
    readonly registry?: string;
    readonly unpublished?: boolean;
  };
type VerifyOptions = WorkOptions &
  Partial<KeyOptions> &
  TimeOptions &
  RemoteOptions & {
    readonly commitment?: string;
    readonly disclosure?: string;
    readonly challenge?: string;
    readonly without?: string;
    readonly payload?: string;
    readonly reference?: string;
    readonly tokenizer?: string;
    readonly failOn?: (typeof FAIL_ON)[number];
  };

export function registerWatermark(program: Command, setExitCode: SetExitCode): void {
  const watermark = program
    .command("watermark")
    .summary("mark a release, and find the mark again")
    .description("Puts a keyed mark into a model's weights before release, and finds it in whatever comes back.");

  const capacity = watermark
    .command("capacity")
    .summary("what mark fits, what it survives, what it costs")
    .argument("<model>", MODEL);
  withRemote(withStrength(withBase(withCommon(capacity)))).action(async (model: string, options: CapacityOptions) =>
    showCapacity(model, options),
  );

  const embed = watermark
    .command("embed")
    .summary("write a marked copy")
    .description("Writes a marked copy into a new directory and a secret sketch beside it. The input is only read.")
    .argument("<model>", "a .safetensors file or a directory")
    .option("--payload <payload>", "what the mark says: up to 16 bytes, as hex digits or as text")
    .option("--no-sketch", "write no sketch: a permuted or rotated copy cannot be re-synchronised then")
    .option("--registry <dir>", "registered bases to look for before marking (default: the user's data directory)")
    .option("--unpublished", "mark even if a registered base is found: its weights were never public");
  withStrength(
    withKey(withLocalModels(withWork(withFindings(embed, "the directory to write, which must not exist")))),
  ).action(async (model: string, options: EmbedOptions) => embedMark(model, options));

  const verify = watermark
    .command("verify")
    .summary("find the mark of a key, and how sure that is")
    .argument("<model>", MODEL)
    .option("--payload <payload>", "the payload that is claimed; without it, it is decoded")
    .option("--reference <sketch>", "the sketch that embed wrote: undoes permutation, rotation, dropped layers")
    .option(
      "--tokenizer <file>",
      "tokenizer.json of the marked model, for a suspect that comes without or with another",
    )
    .addOption(new Option("--fail-on <level>", "exit 1 when found at this level, or when absent").choices(FAIL_ON))
    .option("--key <file>", "the key of the release")
    .option("--passphrase-file <file>", "read the key's passphrase from here (or set WEIGHTMARK_PASSPHRASE)")
    .option("--commitment <file>", "the commitment to the key, which says when it was there")
    .option("--disclosure <file>", "with --commitment, opened layers of the key in place of --key")
    .option("--without <disclosure>", "with --key and --commitment, leave out the layers that were opened to others")
    .option("--challenge <text>", "with --disclosure, your own text that the opened layers must follow from");
  withInside(withRemote(withTime(withWork(withFindings(verify))))).action(
    async (model: string, options: VerifyOptions) => {
      setExitCode(await verifyMark(model, options));
    },
  );
}

function withBase(command: Command): Command {
  return command.option(
    "--base <model>",
    "the public base of a fine-tune: the mark lies in the difference to it, and only there",
    pathOf,
  );
}

function withWork(command: Command): Command {
  return withBase(command).option("--threads <n>", "worker threads; 0 uses none", wholeNumber(0, 256));
}

function withStrength(command: Command): Command {
  return command
    .addOption(
      new Option("--strength <level>", "change of the weights: .002 or .004 of their RMS").choices([
        "default",
        "strong",
      ]),
    )
    .addOption(new Option("--rho <ratio>", "the same as a number").argParser(ratio).conflicts("strength"));
}

function ratio(text: string): number {
  const value = /^\d*\.?\d+(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= 0.05)) throw new InvalidArgumentError("A number above 0, at most 0.05.");
  return value;
}

function rhoOf(options: StrengthOptions): { readonly rho?: number } {
  if (options.rho !== undefined) return { rho: options.rho };
  return options.strength === "strong" ? { rho: 0.004 } : {};
}

function threadsOf({ threads }: WorkOptions): { readonly threads?: number } {
  return threads === undefined ? {} : { threads };
}

function progressOf(session: Session, location: string) {
  const progress = session.progress(location, "bytes");
  return { onProgress: progress.update, end: progress.end };
}

/** Opens the model, and the base in derivative mode; closes both whatever happens. */
async function withModels<T>(
  path: string,
  base: string | undefined,
  options: RemoteOptions,
  work: (models: {
    readonly checkpoint: import("../../index.ts").Checkpoint;
    readonly base?: import("../../index.ts").Checkpoint;
    readonly bytesTotal: number;
  }) => Promise<T>,
): Promise<T> {
  const { storedBytes } = await import("../../checkpoint/stored-bytes.ts");
  const checkpoint = await openModel(path, options, { readAhead: true });
  try {
    const bytesTotal = storedBytes(checkpoint);
    if (base === undefined) return await work({ checkpoint, bytesTotal });
    const opened = await openModel(base, options, { readAhead: true });
    try {
      return await work({ checkpoint, base: opened, bytesTotal });
    } finally {
      await opened.close();
    }
  } finally {
    await checkpoint.close();
  }
}

async function showCapacity(model: string, options: CapacityOptions): Promise<void> {
  const [path = model] = atRevision([model], options);
  const session = openSession(options, [path, ...(options.base === undefined ? [] : [options.base])]);
  const { watermarkCapacity } = await import("../../watermark/index.ts");
  const { capacityReport, markedModel } = await import("../../report/build.ts");
  await withModels(path, options.base, options, async ({ checkpoint, base, bytesTotal }) => {
    const result = await watermarkCapacity(checkpoint, { ...rhoOf(options), ...(base === undefined ? {} : { base }) });
    await session.emit(capacityReport(session.run(), markedModel(checkpoint.location, bytesTotal), result));
  });
}

async function embedMark(path: string, options: EmbedOptions): Promise<void> {
  const directory = options.output;
  if (directory === undefined) {
    throw new WeightmarkError("USAGE", "the directory for the marked copy is missing", {
      detail: "Name one that does not exist with -o DIR.",
    });
  }
  if (options.force) {
    throw new WeightmarkError("USAGE", "a marked copy never replaces what is there", {
      detail: "Leave out --force and name a new directory.",
    });
  }
  requireLocal(path, "embed copies the model");
  if (options.base !== undefined) requireLocal(options.base, "embed reads the base again and again");
  requireOtherFile(directory, [path, options.key]);
  requireOutside(options.passphraseFile, path);
  const secrets = [options.key, options.passphraseFile].filter((name) => name !== undefined);
  const session = openSession(options, [path, directory, ...secrets], true);
  const allowed: LinkOptions = options.allowLinks === undefined ? {} : { allowLinks: options.allowLinks };
  const key = await openKey(options, session.warn);
  const { embedWatermark, parsePayload } = await import("../../watermark/index.ts");
  const { embedReport, markedModel } = await import("../../report/build.ts");
  const payload = options.payload === undefined ? null : parsePayload(options.payload);
  const isAsked = options.base === undefined && !options.unpublished;
  const publicBases = isAsked ? await openPublicBases(options.registry, session) : null;
  await withModels(path, options.base, allowed, async ({ checkpoint, base, bytesTotal }) => {
    const { onProgress, end } = progressOf(session, `marking ${path}`);
    try {
      const result = await embedWatermark(checkpoint, {
        key,
        payload,
        directory,
        sketch: options.sketch,
        ...rhoOf(options),
        ...threadsOf(options),
        ...(base === undefined ? {} : { base }),
        publicBases,
        onProgress,
      });
      end();
      await session.emit(embedReport(session.run(), markedModel(path, bytesTotal), result));
    } finally {
      end();
    }
  }).finally(() => publicBases?.close());
}

/** Every text in a model's directory but keys is copied, and published with the copy. */
function requireOutside(passphraseFile: string | undefined, model: string): void {
  if (passphraseFile === undefined) return;
  const [file, directory] = [passphraseFile, model].map((path) => (existsSync(path) ? realpathSync(path) : path));
  if (file === undefined || !file.startsWith(`${directory}${sep}`)) return;
  throw new WeightmarkError("USAGE", "the passphrase lies in the model's directory and would be copied", {
    file: passphraseFile,
    detail: "Move it elsewhere.",
  });
}

async function verifyMark(model: string, options: VerifyOptions): Promise<number> {
  const [path = model] = atRevision([model], options);
  const { commitment, disclosure } = options;
  requireOneHolder(options);
  const secrets = [options.key, options.passphraseFile, disclosure, options.without];
  const given = [path, ...secrets, options.base, options.reference, options.tokenizer, commitment, options.tsaRoots];
  const named = given.filter((name) => name !== undefined);
  const session = openSession(options, named);
  const key = options.key === undefined ? null : await openKey({ ...options, key: options.key }, session.warn);
  const { fingerprint } = await import("../../index.ts");
  const { parsePayload, verifyWatermark } = await import("../../watermark/index.ts");
  const { commitmentPart, markedModel, verifyReport } = await import("../../report/build.ts");
  const payload = options.payload === undefined ? null : parsePayload(options.payload);
  const time = { roots: await rootsOf(options), firstSeen: await firstSeenOf(options) };
  return withModels(path, options.base, options, async ({ checkpoint, base, bytesTotal }) => {
    const { onProgress, end } = progressOf(session, `reading ${checkpoint.location}`);
    try {
      const verifying = {
        payload,
        ...threadsOf(options),
        ...(options.reference === undefined ? {} : { reference: options.reference }),
        ...(options.tokenizer === undefined ? {} : { tokenizer: options.tokenizer }),
        ...(base === undefined ? {} : { base }),
        onProgress,
      };
      const committed =
        commitment === undefined
          ? null
          : await (await import("../../commitment/index.ts")).verifyCommitted(checkpoint, {
              ...verifying,
              ...time,
              commitment,
              holder:
                key === null
                  ? { disclosure: disclosure!, challenge: options.challenge ?? null }
                  : { key, without: options.without },
            });
      const result = committed?.result ?? (await verifyWatermark(checkpoint, { ...verifying, key: key! }));
      end();
      const inputs = {
        model: markedModel(checkpoint.location, bytesTotal),
        base: base === undefined ? null : { location: base.location, digest: (await fingerprint(base)).roots.sampled },
        reference: await digestOfFile(options.reference),
        tokenizer: await digestOfFile(options.tokenizer),
      };
      const shown = committed === null ? undefined : commitmentPart(commitment!, committed);
      const asked = {
        payload: payload === null ? undefined : Buffer.from(payload.bytes).toString("hex"),
        without: options.without === undefined ? undefined : (true as const),
      };
      await session.emit(verifyReport(session.run(), inputs, result, { commitment: shown, parameters: asked }));
      return fails(result.present ? result.level : "absent", options.failOn) ? 1 : 0;
    } finally {
      end();
    }
  });
}

/** The whole key, or layers of it that its commitment was opened for. */
function requireOneHolder({
  key,
  commitment,
  disclosure,
  challenge,
  without,
  firstSeen,
  tsaRoots,
}: VerifyOptions): void {
  const wrong =
    (key === undefined) === (disclosure === undefined)
      ? "say whose mark to look for: --key FILE, or --disclosure FILE with --commitment FILE"
      : commitment === undefined && disclosure !== undefined
        ? "a disclosure opens layers of a commitment: --commitment FILE"
        : commitment === undefined && (firstSeen ?? tsaRoots ?? without) !== undefined
          ? "--first-seen, --tsa-roots and --without are for a commitment: --commitment FILE"
          : disclosure === undefined && challenge !== undefined
            ? "--challenge is for a disclosure: --disclosure FILE"
            : disclosure !== undefined && without !== undefined
              ? "--without goes with the whole key: --key FILE"
              : null;
  if (wrong !== null) throw new WeightmarkError("USAGE", wrong);
}

async function digestOfFile(location: string | undefined) {
  if (location === undefined) return null;
  const { openFileSource } = await import("../../bytes/file-source.ts");
  const { digestOf } = await import("../../registry/digest.ts");
  const source = await openFileSource(location);
  try {
    return { location, digest: digestOf(await source.read(0, source.size)) };
  } finally {
    await source.close();
  }
}

/** "absent" asks for the opposite of the levels: found at `failOn` or above. */
function fails(found: string, failOn: (typeof FAIL_ON)[number] | undefined): boolean {
  if (failOn === undefined) return false;
  if (failOn === "absent" || found === "absent") return found === failOn;
  return FAIL_ON.indexOf(found as typeof failOn) >= FAIL_ON.indexOf(failOn);
}
