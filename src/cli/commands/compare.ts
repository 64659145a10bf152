import type { Command } from "commander";
import { withInside } from "../inside.ts";
import { withLocalModels } from "../local-models.ts";
import {
  ACCEPT_CALIBRATED,
  type CommonOptions,
  type FailOn,
  type ReadingOptions,
  withFailOn,
  withFindings,
  withReading,
} from "../options.ts";
import { MODEL, shownLocation, withAccess } from "../remote.ts";
import { openSession } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";
import { openSubject } from "../subject.ts";
import { exitCodeFor, provenVerdict } from "../verdict-exit.ts";

interface CompareOptions extends CommonOptions, ReadingOptions {
  readonly root?: boolean;
  readonly failOn?: FailOn;
  readonly acceptCalibrated?: boolean;
}

export function registerCompare(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command("compare")
    .summary("tell whether two models share trained weights")
    .description("Tells whether two models share trained weights. Either side may be a model or a fingerprint file.")
    .argument("<suspect>", `fingerprint file or model: ${MODEL}`)
    .argument("<base>", "the same")
    .option("--root", "the base was trained from scratch: lets the verdict name a direction")
    .option("--accept-calibrated", ACCEPT_CALIBRATED);
  withFailOn(withInside(withLocalModels(withAccess(withReading(withFindings(command)))))).action(
    async (suspect: string, base: string, options: CompareOptions) => {
      setExitCode(await compare(suspect, base, options));
    },
  );
}

async function compare(suspectPath: string, basePath: string, options: CompareOptions): Promise<number> {
  const session = openSession(options, [suspectPath, basePath]);
  const { compare: compareSubjects } = await import("../../index.ts");
  const { subjectName } = await import("../../lineage/subject-name.ts");
  const { compareReport, inputReport, readingAsked } = await import("../../report/build.ts");
  // Two directories may end in the same name; then only the whole path tells them apart.
  const sameName = subjectName(suspectPath) === subjectName(basePath);
  const names = sameName ? [suspectPath, basePath].map(shownLocation) : [];
  // Of weights at hand the deep tests read what they need once the plain ones are silent: deep parts are for files.
  const reading = { ...options, deep: false };
  const suspect = await openSubject(suspectPath, reading, session, { name: names[0] });
  try {
    const base = await openSubject(basePath, reading, session, { name: names[1], root: options.root });
    try {
      const result = await compareSubjects(suspect, base, { deep: options.depth === "deep" });
      const inputs = {
        suspect: inputReport(suspect, suspect.fingerprint),
        base: inputReport(base, base.fingerprint),
      };
      const { depth } = readingAsked(options);
      const asked = { depth, root: options.root ? (true as const) : undefined };
      await session.emit(compareReport(session.run(), inputs, result, asked));
      return exitCodeFor(provenVerdict(result, options.acceptCalibrated), options.failOn);
    } finally {
      await base.close();
    }
  } finally {
    await suspect.close();
  }
}
