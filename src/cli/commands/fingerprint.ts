import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { WeightmarkError } from "../../errors.ts";
import { withInside } from "../inside.ts";
import { type CommonOptions, KEEP_DEEP, type ReadingOptions, withFindings, withReading } from "../options.ts";
import { atRevision, MODEL, withRemote } from "../remote.ts";
import { openSession, requireOtherFile } from "../session.ts";
import { openSubject } from "../subject.ts";
import { fingerprintNameOf } from "../weight-names.ts";

type FingerprintOptions = CommonOptions & ReadingOptions;

export function registerFingerprint(program: Command): void {
  const command = program
    .command("fingerprint")
    .summary("write a model's fingerprint file")
    .description("Writes the fingerprint of a model: what the tests need to know of it, and no usable weights.")
    .argument("<model>", MODEL)
    .option("--deep", KEEP_DEEP);
  const reading = withReading(
    withFindings(command, "the fingerprint file (default: NAME.fingerprint.safetensors here)"),
  );
  withInside(withRemote(reading)).action(async (model: string, options: FingerprintOptions) =>
    fingerprint(model, options),
  );
}

async function fingerprint(model: string, options: FingerprintOptions): Promise<void> {
  const [path = model] = atRevision([model], options);
  const { subjectName } = await import("../../lineage/subject-name.ts");
  const output = options.output ?? fingerprintNameOf(subjectName(path));
  requireOtherFile(output, [path, ...(options.allowLinks ?? [])], options.force);
  const session = openSession(options, [path, output], true);
  const { writeFileAtomic } = await import("../../bytes/atomic-file.ts");
  const { serializeFingerprint } = await import("../../index.ts");
  const { digestOf } = await import("../../registry/digest.ts");
  const { fingerprintReport, inputReport, readingAsked } = await import("../../report/build.ts");
  const opened = await openSubject(path, options, session);
  try {
    if (opened.kind === "fingerprint") {
      throw new WeightmarkError("USAGE", "this is a fingerprint file already", { file: opened.location });
    }
    const bytes = serializeFingerprint(opened.fingerprint);
    // The same fingerprint again is no conflict.
    if (!(await holds(output, bytes))) await writeFileAtomic(output, bytes, { overwrite: options.force });
    const written = { location: output, bytes: bytes.length, digest: digestOf(bytes) };
    const input = inputReport(opened, opened.fingerprint);
    await session.emit(fingerprintReport(session.run(), input, written, opened.fingerprint, readingAsked(options)));
  } finally {
    await opened.close();
  }
}

/** Whether a file with these bytes is there. Whatever else is there is not read: it may be a FIFO or have no end. */
async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size !== bytes.length) return false;
  return (await readFile(path).catch(() => null))?.equals(bytes) ?? false;
}
