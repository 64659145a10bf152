import type { Command } from "commander";
import { WeightmarkError } from "../../errors.ts";
import type { KeyDescription } from "../../watermark/index.ts";
import { type CommonOptions, withCommon } from "../options.ts";
import { openSession } from "../session.ts";
import { type PassphraseOptions, passphraseOf, type Warn, warnOfKey } from "../watermark-key.ts";

interface KeyOptions extends CommonOptions, PassphraseOptions {
  readonly release?: string;
  readonly newPassphraseFile?: string;
  readonly reseal?: boolean;
}

type Action = "generate" | "show" | "rotate" | "reseal";

const VARIABLE = "WEIGHTMARK_PASSPHRASE";
const NEW_VARIABLE = "WEIGHTMARK_NEW_PASSPHRASE";

export function registerKey(program: Command): void {
  const group = program
    .command("key")
    .summary("make and keep the keys of watermarks")
    .description("Makes and keeps the keys of watermarks: one for every release.")
    .helpCommand(false);
  const sub = (usage: string, summary: string, output?: string) =>
    withCommon(group.command(usage).description(summary), output);
  const withNewKey = (command: Command) =>
    command
      .option("--release <label>", "what the key is for (default: the day)")
      .option("--passphrase-file <file>", `seal it with the passphrase in this file (or set ${VARIABLE})`)
      .option("--no-passphrase", "leave it unsealed, protected by the file's mode alone");

  withNewKey(sub("generate", "make a key", "the key file to write (required)")).action((options: KeyOptions) =>
    generate(options),
  );
  sub("show <file>", "say what a key file is; needs no passphrase").action((file: string, options: KeyOptions) =>
    report("show", options, file, [file], (warn) => warnOfKey(file, warn)),
  );
  withNewKey(sub("rotate <file>", "make the key of the next release", "the key file to write (required)"))
    .option("--reseal", "keep the key and change its passphrase")
    .option(
      "--new-passphrase-file <file>",
      `with --reseal, seal it with the passphrase in this file (or set ${NEW_VARIABLE})`,
    )
    .action((file: string, options: KeyOptions) => (options.reseal ? reseal(file, options) : rotate(file, options)));
}

async function generate(options: KeyOptions): Promise<void> {
  const output = newKeyFile(options);
  await report("generate", options, output, [output], async (warn) => {
    const { generateKeyFile } = await import("../../watermark/index.ts");
    return generateKeyFile(output, { passphrase: await newPassphrase(options, warn), release: options.release });
  });
}

async function rotate(file: string, options: KeyOptions): Promise<void> {
  const output = newKeyFile(options);
  if (options.newPassphraseFile !== undefined) {
    throw new WeightmarkError("USAGE", "--new-passphrase-file goes with --reseal; a new key has --passphrase-file");
  }
  await report("rotate", options, output, [file, output], async (warn) => {
    const { rotateKeyFile } = await import("../../watermark/index.ts");
    await warnOfKey(file, warn);
    return rotateKeyFile(file, output, { passphrase: await newPassphrase(options, warn), release: options.release });
  });
}

async function reseal(file: string, options: KeyOptions): Promise<void> {
  const output = newKeyFile(options);
  if (options.release !== undefined) throw new WeightmarkError("USAGE", "--reseal keeps the release; drop --release");
  await report("reseal", options, output, [file, output], async (warn) => {
    const { resealKeyFile } = await import("../../watermark/index.ts");
    await warnOfKey(file, warn);
    const old = await passphraseOf(options.passphraseFile, VARIABLE, warn);
    const passphrase = await chosenPassphrase(options, options.newPassphraseFile, NEW_VARIABLE, warn);
    return resealKeyFile(file, output, old, { passphrase });
  });
}

/** Where a key goes. Never over a file: what a lost key has marked can never be verified again. */
function newKeyFile({ output, force }: KeyOptions): string {
  if (output === undefined) throw new WeightmarkError("USAGE", "say where to write the key: -o FILE");
  if (force) throw new WeightmarkError("USAGE", "a key file is never replaced: choose another name than an old one's");
  return output;
}

function newPassphrase(options: KeyOptions, warn: Warn): Promise<string | null> {
  return chosenPassphrase(options, options.passphraseFile, VARIABLE, warn);
}

async function chosenPassphrase(
  { passphrase: wanted }: KeyOptions,
  file: string | undefined,
  variable: string,
  warn: Warn,
): Promise<string | null> {
  if (wanted === false) {
    if (file === undefined) return null;
    throw new WeightmarkError("USAGE", "--no-passphrase and a passphrase file contradict each other");
  }
  const passphrase = await passphraseOf(file, variable, warn);
  if (passphrase !== null) return passphrase;
  throw new WeightmarkError("KEY_PASSPHRASE_MISSING", "there is no passphrase to seal the key with", {
    detail: `Put one into ${variable} or a file, or say --no-passphrase to leave the key unsealed.`,
  });
}

async function report(
  action: Action,
  options: KeyOptions,
  location: string,
  paths: readonly string[],
  work: (warn: Warn) => Promise<KeyDescription>,
): Promise<void> {
  const secrets = [options.passphraseFile, options.newPassphraseFile].filter((path) => path !== undefined);
  const session = openSession(options, [...paths, ...secrets], action !== "show");
  const { keyReport } = await import("../../report/build.ts");
  const { format, id, release, created, replaces, sealed } = await work(session.warn);
  const layered = format !== "weightmark/key-file@1";
  const key = { location, id, release, created, replaces, layered, sealed };
  await session.emit(keyReport(session.run(), { action, key }));
}
