import { type Command, InvalidArgumentError } from "commander";
import { WeightmarkError } from "../../errors.ts";
import type { CaseReport } from "../../report/schemas/index.ts";
import { rootsOf, type TimeOptions, withRoots } from "../authorities.ts";
import { linksOf, withLocalModels } from "../local-models.ts";
import { type CommonOptions, wholeNumber, withCommon } from "../options.ts";
import { accessOf, type RemoteOptions, withAccess } from "../remote.ts";
import { openSession, requireOtherFile } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";
import { type SignerOptions, signerFiles, signerOf, withSigner } from "../signing/signer-options.ts";
import { repeated, type TrustOptions, trustFiles, trustOf, withTrust } from "../signing/trust-options.ts";
import { toolVersion } from "../version.ts";
import { openKey, type PassphraseOptions } from "../watermark-key.ts";

interface NewOptions extends CommonOptions {
  readonly title: string;
  readonly examiner?: string;
  readonly note?: readonly string[];
}

interface LogOptions extends CommonOptions {
  readonly by?: string;
  readonly note?: string;
}

interface InputOptions extends RemoteOptions {
  readonly weights?: ReadonlyMap<string, string>;
  readonly threads?: number;
}

type AddOptions = LogOptions & InputOptions;
type SealOptions = LogOptions & SignerOptions;

interface VerifyOptions extends CommonOptions, InputOptions, TrustOptions, TimeOptions, PassphraseOptions {
  readonly key?: string;
  readonly requireAll?: boolean;
}

export function registerCase(program: Command, setExitCode: SetExitCode): void {
  const group = program
    .command("case")
    .summary("keep results so that others can check them again")
    .description(
      "Keeps results in one file with digests of what they are of and a log of who did what (identification, collection, acquisition, preservation: words of ISO/IEC 27037), seals it, and checks it again.",
    )
    .helpCommand(false);
  const sub = (usage: string, summary: string, output?: string) =>
    withCommon(group.command(usage).description(summary), output);

  sub("new <case>", "open a case (identification): writes a new file")
    .requiredOption("--title <text>", "what it is about, in a line")
    .option("--examiner <name>", "who examines")
    .option("--note <text>", "what is to be found out, and why (repeatable)", repeated)
    .action(open);

  withLog(
    withInputs(sub("add <case> [result...]", "take in results (collection), and hash what they are of (acquisition)")),
  ).action(add);

  withSigner(withLog(sub("seal <case>", "sign a case (preservation)", "the sealed case to write (required)"))).action(
    seal,
  );

  const verify = withInputs(sub("verify <case>", "check a sealed case: its seal, its log, and its results again"))
    .option("--key <file>", "the watermark key, for results of verifying its mark")
    .option("--passphrase-file <file>", "read the key's passphrase from here (or set WEIGHTMARK_PASSPHRASE)")
    .option("--require-all", "exit 1 unless every result came out again");
  withRoots(withTrust(verify)).action(async (file: string, options: VerifyOptions) => {
    setExitCode((await check(file, options)) ? 0 : 1);
  });
}

function withLog(command: Command): Command {
  return command
    .option("--by <name>", "who does it, for the log (default: the examiner)")
    .option("--note <text>", "what else the log should say");
}

function withInputs(command: Command): Command {
  return withLocalModels(withAccess(command))
    .option(
      "--weights <name=path>",
      "where an input of this name lies: weights, or a registry, sketch, commitment ... (repeatable)",
      named,
    )
    .option("--threads <n>", "worker threads; 0 uses none", wholeNumber(0, 256));
}

function named(text: string, before: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const [, name, place] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || place === undefined)
    throw new InvalidArgumentError("A name and a place such as base-a=./base-a.");
  if (before.has(name)) throw new InvalidArgumentError(`${name} was given before.`);
  return new Map([...before, [name, place]]);
}

async function open(file: string, options: NewOptions): Promise<void> {
  const session = openSession(options, [file]);
  const { newCase } = await import("../../case/index.ts");
  const { title, examiner, note } = options;
  await session.emit(await newCase(file, { title, examiner, notes: note, ...whenOf(options) }));
}

async function add(file: string, results: readonly string[], options: AddOptions): Promise<void> {
  if (results.length === 0 && options.weights === undefined) {
    throw new WeightmarkError("USAGE", "say what to add: files with results, or --weights NAME=PATH");
  }
  const session = openSession(options, [file, ...results, ...(options.weights?.values() ?? [])]);
  const { addResults } = await import("../../case/index.ts");
  const { by, note } = options;
  const document = await addResults(file, results, { by, note, ...whenOf(options), ...(await readingOf(options)) });
  await session.emit(await shownCase(document, options));
}

async function seal(file: string, options: SealOptions): Promise<void> {
  const { output, force, by, note, redactPaths } = options;
  if (output === undefined) throw new WeightmarkError("USAGE", "say where to write the sealed case: -o FILE");
  if (force) throw new WeightmarkError("USAGE", "a sealed case never replaces what is there: leave out --force");
  const named = [file, ...signerFiles(options)];
  requireOtherFile(output, named);
  const session = openSession(options, [...named, output], true);
  const { sealCase } = await import("../../case/index.ts");
  const signer = await signerOf(options, session.warn);
  await session.emit(await sealCase(file, output, signer, { by, note, redactPaths, ...whenOf(options) }));
}

async function check(file: string, options: VerifyOptions): Promise<boolean> {
  const { key: keyFile, passphraseFile, tsaRoots, weights } = options;
  const given = [keyFile, passphraseFile, tsaRoots].filter((one) => one !== undefined);
  const session = openSession(options, [file, ...given, ...(weights?.values() ?? []), ...trustFiles(options)]);
  const { verifyCase } = await import("../../case/index.ts");
  const trust = await trustOf(options);
  const key = keyFile === undefined ? undefined : await openKey({ ...options, key: keyFile }, session.warn);
  const roots = await rootsOf(options);
  const report = await verifyCase(file, trust, {
    key,
    roots,
    ...whenOf(options),
    ...(await readingOf(options)),
    redactPaths: options.redactPaths,
    onResult: (number, of) => session.log(`result ${number} of ${of}`),
  });
  await session.emit(report);
  const statuses = [...report.results, ...report.inputs].map(({ status }) => status);
  const isAll = report.results.every(({ status }) => status === "reproduced");
  return report.holds && !statuses.includes("changed") && (isAll || options.requireAll !== true);
}

/** Results name paths that the command line does not. */
async function shownCase(document: CaseReport, { redactPaths }: CommonOptions): Promise<CaseReport> {
  if (!redactPaths) return document;
  const { redactCase } = await import("../../case/case-document.ts");
  return { ...redactCase(document), redacted: document.redacted };
}

function whenOf({ deterministic }: CommonOptions) {
  return { toolVersion: toolVersion(), ...(deterministic ? { clock: () => null } : {}) };
}

async function readingOf(options: InputOptions) {
  const { weights, threads } = options;
  return {
    inputs: weights,
    threads,
    allowLinks: await linksOf(options),
    remoteOf: async (location: string) => (await accessOf(location, options)).remote,
  };
}
