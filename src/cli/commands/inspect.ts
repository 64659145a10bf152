import type { Command } from "commander";
import type { Anatomy, Checkpoint } from "../../index.ts";
import { byteCount, type CommonOptions, withCommon } from "../options.ts";
import { atRevision, MODEL, openModel, type RemoteOptions, withRemote } from "../remote.ts";
import { openSession } from "../session.ts";

interface InspectOptions extends CommonOptions, RemoteOptions {
  readonly maxBytes?: number;
}

export function registerInspect(program: Command): void {
  const command = program
    .command("inspect")
    .summary("say what a model's headers hold, reading no weights")
    .description(
      "Says what the headers of a model hold: types, roles, layers, whether it is well-formed. Reads no weights.",
    )
    .argument("<model>", MODEL)
    .option("--max-bytes <n>", "refuse to read more header bytes than this (10MB, 2GiB ...)", byteCount);
  withRemote(withCommon(command)).action(async (model: string, options: InspectOptions) => inspect(model, options));
}

async function inspect(model: string, options: InspectOptions): Promise<void> {
  const [path = model] = atRevision([model], options);
  const session = openSession(options, [path]);
  const { byteBudget, describeAnatomy, isFingerprintHeader } = await import("../../index.ts");
  const { inspectReport } = await import("../../report/build.ts");
  const { manifestRoot } = await import("../../report/manifest-root.ts");
  const budget = byteBudget(options.maxBytes);
  const checkpoint = await openModel(path, options, { budget });
  try {
    const read = budget.spent;
    const anatomy = describeAnatomy(checkpoint.tensors, checkpoint.config);
    const { metadata } = checkpoint;
    const isFingerprint = metadata != null && isFingerprintHeader(metadata);
    const report = inspectReport(session.run(), {
      inputs: {
        model: {
          location: checkpoint.location,
          kind: isFingerprint ? "fingerprint" : "model",
          revision: checkpoint.revision ?? null,
          manifestRoot: manifestRoot(checkpoint.tensors.values()),
          bytesRead: String(read),
          bytesTotal: String(checkpoint.files.reduce((sum, { source }) => sum + source.size, 0)),
        },
      },
      container: checkpoint.container,
      ...contents(checkpoint),
      family: isFingerprint ? "weightmark fingerprint" : anatomy.family,
      confidence: anatomy.confidence,
      ...structure(anatomy),
      notes: [...checkpoint.notes, ...anatomy.notes],
    });
    await session.emit(report);
  } finally {
    await checkpoint.close();
  }
}

/** Files, tensors, parameters and types, the types by name. */
function contents({ files, tensors }: Checkpoint) {
  const perFile = files.map(() => 0);
  const dtypes = new Map<string, { tensors: number; bytes: number }>();
  let parameters = 0n;
  for (const { dtype, shape, begin, end, file } of tensors.values()) {
    perFile[file]!++;
    parameters += shape.reduce((product, size) => product * BigInt(size), 1n);
    const sum = dtypes.get(dtype) ?? { tensors: 0, bytes: 0 };
    dtypes.set(dtype, { tensors: sum.tensors + 1, bytes: sum.bytes + end - begin });
  }
  return {
    files: files.map(({ path, source }, i) => ({ path, bytes: String(source.size), tensors: perFile[i]! })),
    tensors: tensors.size,
    parameters: String(parameters),
    dtypes: byKey(dtypes).map(([dtype, sum]) => ({ dtype, tensors: sum.tensors, bytes: String(sum.bytes) })),
  };
}

/** Components with their layers, and how many matrices have which role. */
function structure({ matrices, others }: Anatomy) {
  const components = new Map<string, { layers: Set<number>; matrices: number }>();
  const roles = new Map<string, number>();
  for (const { component, layer, role } of matrices) {
    const sum = components.get(component) ?? { layers: new Set<number>(), matrices: 0 };
    if (layer >= 0) sum.layers.add(layer);
    components.set(component, { layers: sum.layers, matrices: sum.matrices + 1 });
    roles.set(role, (roles.get(role) ?? 0) + 1);
  }
  for (const { role } of others) roles.set(role, (roles.get(role) ?? 0) + 1);
  return {
    components: byKey(components).map(([component, sum]) => ({
      component,
      layers: sum.layers.size,
      matrices: sum.matrices,
    })),
    roles: byKey(roles).map(([role, count]) => ({ role, matrices: count })),
  };
}

function byKey<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
