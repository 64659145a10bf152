import type { Command } from "commander";
import type { ByteBudget, Checkpoint } from "../../index.ts";
import type { InspectReport } from "../../report/schemas/index.ts";
import { withInside } from "../inside.ts";
import { contents, structure } from "../inspect/contents.ts";
import { emptyTensors, unusableTensors, valuesReport } from "../inspect/values.ts";
import { byteCount, type CommonOptions, withFindings } from "../options.ts";
import { atRevision, MODEL, openModel, type RemoteOptions, withRemote } from "../remote.ts";
import { openSession } from "../session.ts";

interface InspectOptions extends CommonOptions, RemoteOptions {
  readonly maxBytes?: number;
}

export function registerInspect(program: Command): void {
  const command = program
    .command("inspect")
    .summary("say what a model's headers hold, and whether it is sound")
    .description(
      "Says what the headers of a model hold: types, roles, layers, adapters, whether it is well-formed and can be tested. " +
        "Reads a few values of each tensor and says which are NaN, infinite or all the same.",
    )
    .argument("<model>", MODEL)
    .option("--max-bytes <n>", "refuse to read more than this (10MB, 2GiB ...)", byteCount);
  withInside(withRemote(withFindings(command))).action(async (model: string, options: InspectOptions) =>
    inspect(model, options),
  );
}

async function inspect(model: string, options: InspectOptions): Promise<void> {
  const [path = model] = atRevision([model], options);
  const session = openSession(options, [path]);
  const { describeAnatomy } = await import("../../anatomy/describe.ts");
  const { isFingerprintHeader } = await import("../../fingerprint/file.ts");
  const { storedBytes } = await import("../../checkpoint/stored-bytes.ts");
  const { byteBudget } = await import("../../index.ts");
  const { outlinesOf, testableParts } = await import("../../lineage/testable.ts");
  const { inspectReport } = await import("../../report/build.ts");
  const { manifestRoot } = await import("../../report/manifest-root.ts");
  const budget = byteBudget(options.maxBytes);
  const checkpoint = await openModel(path, options, { budget });
  try {
    const anatomy = describeAnatomy(checkpoint.tensors, checkpoint.config);
    const { metadata, tensors } = checkpoint;
    const isFingerprint = metadata != null && isFingerprintHeader({ metadata, tensors });
    const adapter = await adapterReport(checkpoint);
    const health = isFingerprint ? null : await healthWithin(budget, checkpoint);
    const unusable = health === null ? new Set<string>() : unusableTensors(health);
    const testable = testableParts({ sketches: outlinesOf(anatomy, checkpoint.tensors, unusable) });
    const total = storedBytes(checkpoint);
    const isTestable = isFingerprint || testable.some((part) => part.testable);
    const report = inspectReport(session.run(), {
      inputs: {
        model: {
          location: checkpoint.location,
          kind: isFingerprint ? "fingerprint" : "model",
          revision: checkpoint.revision ?? null,
          manifestRoot: manifestRoot(checkpoint.tensors.values()),
          // What was read with a header may be read again.
          bytesRead: String(Math.min(budget.spent, total)),
          bytesTotal: String(total),
        },
      },
      container: checkpoint.container,
      ...contents(checkpoint),
      family: isFingerprint ? "weightmark fingerprint" : anatomy.family,
      confidence: anatomy.confidence,
      ...structure(anatomy, testable),
      adapter,
      values: health === null ? null : valuesReport(health),
      empty: emptyTensors(checkpoint),
      notes: [...checkpoint.notes, ...anatomy.notes, ...(isTestable ? [] : [UNTESTABLE])],
    });
    await session.emit(report);
  } finally {
    await checkpoint.close();
  }
}

const UNTESTABLE = "no component of it can be tested: nothing would tell where it comes from";

/** Headers have been paid for; what is left of --max-bytes says how many tensors are looked at. */
async function healthWithin({ limit, spent }: ByteBudget, checkpoint: Checkpoint) {
  const { tensorHealth } = await import("../../fingerprint/health.ts");
  return tensorHealth(checkpoint, { maxBytes: limit - spent });
}

async function adapterReport(checkpoint: Checkpoint): Promise<InspectReport["adapter"]> {
  const { adapterSummary } = await import("../../anatomy/adapter.ts");
  const { adapterBase } = await import("../../checkpoint/adapter-config.ts");
  const adapter = adapterSummary(checkpoint.tensors.keys());
  return adapter === null ? null : { ...adapter, base: await adapterBase(checkpoint) };
}
