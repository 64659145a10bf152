import type { Anatomy } from "../../anatomy/anatomy.ts";
import type { Checkpoint } from "../../index.ts";
import type { TestablePart } from "../../lineage/testable.ts";
import type { InspectReport } from "../../report/schemas/index.ts";

/**
 * Files, tensors, parameters and types, and what values are decoded from, both by name. Parameters that two names share, as a
 * head that is the token table has them in a file of PyTorch, are counted once.
 */
export function contents({ files, tensors }: Checkpoint) {
  const perFile = files.map(() => 0);
  const dtypes = new Map<string, { tensors: number; bytes: number }>();
  const schemes = new Map<string, number>();
  const counted = new Set<string>();
  let parameters = 0n;
  for (const { dtype, shape, begin, end, file, scheme } of tensors.values()) {
    perFile[file]!++;
    const place = `${file} ${begin} ${end} ${dtype}`;
    if (!counted.has(place)) parameters += shape.reduce((product, size) => product * BigInt(size), 1n);
    if (begin < end) counted.add(place);
    const sum = dtypes.get(dtype) ?? { tensors: 0, bytes: 0 };
    if (scheme !== undefined) schemes.set(scheme, (schemes.get(scheme) ?? 0) + 1);
    dtypes.set(dtype, { tensors: sum.tensors + 1, bytes: sum.bytes + end - begin });
  }
  return {
    files: files.map(({ path, source, storedBytes = source.size }, i) => {
      return { path, bytes: String(storedBytes), tensors: perFile[i]! };
    }),
    tensors: tensors.size,
    parameters: String(parameters),
    dtypes: byKey(dtypes).map(([dtype, sum]) => ({ dtype, tensors: sum.tensors, bytes: String(sum.bytes) })),
    schemes: byKey(schemes).map(([scheme, count]) => ({ scheme, tensors: count })),
  };
}

const NO_OUTLINE = "no matrix of floating-point values that a fingerprint samples";

/** Components with their layers and whether they can be tested, and how many matrices have which role. */
export function structure(
  { matrices, others }: Anatomy,
  testable: readonly TestablePart[],
): Pick<InspectReport, "components" | "roles"> {
  const components = new Map<string, { layers: Set<number>; matrices: number }>();
  const roles = new Map<string, number>();
  for (const { stack: component, layer, role, twin } of matrices) {
    if (twin === true) continue;
    const sum = components.get(component) ?? { layers: new Set<number>(), matrices: 0 };
    if (layer >= 0) sum.layers.add(layer);
    components.set(component, { layers: sum.layers, matrices: sum.matrices + 1 });
    roles.set(role, (roles.get(role) ?? 0) + 1);
  }
  for (const { role } of others) roles.set(role, (roles.get(role) ?? 0) + 1);
  const parts = new Map(testable.map((part) => [part.component, part]));
  return {
    components: byKey(components).map(([component, sum]) => ({
      component,
      layers: sum.layers.size,
      matrices: sum.matrices,
      testable: parts.get(component)?.testable ?? false,
      reason: parts.has(component) ? parts.get(component)!.reason : NO_OUTLINE,
    })),
    roles: byKey(roles).map(([role, count]) => ({ role, matrices: count })),
  };
}

function byKey<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
