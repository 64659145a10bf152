import { isAbsolute } from "node:path";
import { Command, CommanderError } from "commander";
import { WeightmarkError } from "../errors.ts";
import { registerCase } from "./commands/case.ts";
import { registerCommit } from "./commands/commit.ts";
import { registerCompare } from "./commands/compare.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerFingerprint } from "./commands/fingerprint.ts";
import { registerIdentify } from "./commands/identify.ts";
import { registerInspect } from "./commands/inspect.ts";
import { registerKey } from "./commands/key.ts";
import { registerQuality } from "./commands/quality.ts";
import { registerRegistry } from "./commands/registry.ts";
import { registerReport } from "./commands/report.ts";
import { registerScan } from "./commands/scan.ts";
import { registerSign } from "./commands/sign.ts";
import { registerVerify } from "./commands/verify.ts";
import { registerWatermark } from "./commands/watermark.ts";
import { registerWorker } from "./commands/worker.ts";
import { worseExitCode } from "./exit-codes.ts";
// Not when it is needed: with no file handle left, nothing can be loaded any more.
import { describeFailure } from "./failure.ts";
import { loadLibrary } from "./few-handles.ts";
import { EXIT_CODES } from "./help.ts";
import { memberRedactor, pathRedactor, pathsIn } from "./redact.ts";
import { print } from "./session.ts";
import type { SetExitCode } from "./set-exit-code.ts";
import { toolVersion } from "./version.ts";

/**
 * All commands; nothing heavy is loaded before one of them runs.
 *
 * @param writeOut takes the help and the version where they were asked for
 */
export function buildProgram(setExitCode: SetExitCode, writeOut: (text: string) => void = () => {}): Command {
  const program = new Command("weightmark")
    .description("Tells where a model's weights come from, from the weights alone.")
    .version(toolVersion(), "-V, --version", "print the version")
    .helpCommand(false)
    .showHelpAfterError(false)
    // Subcommands inherit both: usage errors are thrown, and printed in one place.
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeOut })
    .hook("preAction", loadLibrary);
  registerInspect(program);
  registerFingerprint(program);
  registerCompare(program, setExitCode);
  registerIdentify(program, setExitCode);
  registerScan(program, setExitCode);
  registerWorker(program);
  registerRegistry(program, setExitCode);
  registerSign(program);
  registerVerify(program, setExitCode);
  registerKey(program);
  registerQuality(program);
  registerWatermark(program, setExitCode);
  registerCommit(program);
  registerCase(program, setExitCode);
  registerReport(program);
  registerDoctor(program, setExitCode);
  registerCompletion(program);
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.addHelpText("after", EXIT_CODES);
  }
  return program;
}

/** Runs one command line; the exit code. Never throws. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  let help = "";
  try {
    const program = buildProgram(
      (code) => {
        exitCode = code;
      },
      (text) => {
        help += text;
      },
    );
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      return print(help).then(
        () => 0,
        (failure) => reportFailure(failure, argv),
      );
    }
    const failed = reportFailure(refusalOf(error), argv);
    // What the command had to say already, as that a scan is incomplete, is no better for what failed then.
    return exitCode === 0 ? failed : worseExitCode(exitCode, failed);
  }
}

/** What is no bug of ours although others than we noticed it. */
function refusalOf(error: unknown): unknown {
  // Node asks for the working directory wherever a path is relative.
  if ((error as NodeJS.ErrnoException | null)?.syscall === "uv_cwd") {
    return new WeightmarkError("FILE_NOT_FOUND", "the working directory is there no longer", {
      detail: "Change into one that is there, or name absolute paths.",
      cause: error,
    });
  }
  if (!(error instanceof CommanderError)) return error;
  // No command at all: commander has printed the help, to stderr.
  if (error.code === "commander.help") return error;
  return new WeightmarkError("USAGE", error.message.replace(/^error: /, "").replaceAll("\n", " "), {
    detail: "See weightmark --help.",
  });
}

/** Says on stderr why a command line came to nothing; the exit code. */
export function reportFailure(error: unknown, argv: readonly string[]): number {
  if (error instanceof CommanderError) return 2;
  // The options may be what could not be parsed, so they are looked for in the raw command line.
  const has = (...flags: string[]) => argv.some((arg) => flags.includes(arg));
  const redact = has("--redact-paths") ? failureRedactor(error, argv) : (text: string) => text;
  const json =
    has("--json", "--format=json", "--format=jsonl") || /^jsonl?$/.test(argv[argv.indexOf("--format") + 1] ?? "");
  const failure = describeFailure(error, { json, verbose: has("-v", "--verbose"), redact });
  process.stderr.write(failure.text);
  return failure.exitCode;
}

/** Hides what the command line names, and where a file lies that only the environment or the registry does. */
function failureRedactor(error: unknown, argv: readonly string[]): (text: string) => string {
  const named = pathsIn(argv);
  const file = error instanceof WeightmarkError ? (error.file ?? "") : "";
  const isHidden = !isAbsolute(pathRedactor(named)(file));
  const redact = pathRedactor(isHidden ? named : [...named, file]);
  const withoutMembers = memberRedactor([file, ...named]);
  return (text) => withoutMembers(redact(text));
}
