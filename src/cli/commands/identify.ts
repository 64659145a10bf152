import type { Command } from "commander";
import { WeightmarkError } from "../../errors.ts";
import { withInside } from "../inside.ts";
import {
  ACCEPT_CALIBRATED,
  type CommonOptions,
  type FailOn,
  type ReadingOptions,
  wholeNumber,
  withFailOn,
  withFindings,
  withReading,
} from "../options.ts";
import { atRevision, MODEL, withRemote } from "../remote.ts";
import { openSession } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";
import { openSubject } from "../subject.ts";
import { exitCodeFor, provenVerdict } from "../verdict-exit.ts";

interface IdentifyOptions extends CommonOptions, ReadingOptions {
  readonly registry?: string;
  readonly failOn?: FailOn;
  readonly limit?: number;
  readonly acceptCalibrated?: boolean;
}

export function registerIdentify(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command("identify")
    .summary("find the registered bases a model comes from")
    .description("Finds the registered bases that a model shares trained weights with. No match is an answer too.")
    .argument("<suspect>", `fingerprint file or model: ${MODEL}`)
    .option(
      "--registry <dir|url>",
      "where the bases are registered: directory or postgres://... (default: the user's data directory)",
    )
    .option("--limit <n>", "how many of the closest bases get the exact tests", wholeNumber(1, 1000))
    .option("--accept-calibrated", ACCEPT_CALIBRATED);
  withFailOn(withInside(withRemote(withReading(withFindings(command))))).action(
    async (suspect: string, options: IdentifyOptions) => {
      setExitCode(await identify(suspect, options));
    },
  );
}

async function identify(model: string, options: IdentifyOptions): Promise<number> {
  const [path = model] = atRevision([model], options);
  const { identify: identifySubject } = await import("../../index.ts");
  const { defaultRegistryDirectory, openAnyCandidates } = await import("../../registry/index.ts");
  const { identifyReport, inputReport, readingAsked } = await import("../../report/build.ts");
  const directory = options.registry ?? defaultRegistryDirectory();
  const session = openSession(options, [path, directory]);
  // Before the suspect is read: a missing registry should not cost a minute.
  const registry = await openAnyCandidates(directory, { create: options.registry === undefined });
  if (registry.entries === 0) {
    throw new WeightmarkError("REGISTRY_EMPTY", "no base is registered to identify against", {
      file: registry.location,
      detail: "Register the bases you know with `weightmark registry add MODEL --root`.",
    });
  }
  const suspect = await openSubject(path, options, session);
  try {
    const limit = options.limit === undefined ? {} : { limit: options.limit };
    const result = await identifySubject(suspect, registry, limit);
    const input = inputReport(suspect, suspect.fingerprint);
    const asked = { ...readingAsked(options), limit: options.limit };
    await session.emit(identifyReport(session.run(), input, registry.location, result, asked));
    const best = result.candidates[0]?.comparison ?? { verdict: result.verdict };
    return exitCodeFor(provenVerdict(best, options.acceptCalibrated), options.failOn);
  } finally {
    await suspect.close();
    await registry.close();
  }
}
