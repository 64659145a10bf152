import { z } from "zod";
import { WeightmarkError } from "../../errors.ts";
import { parseManifest } from "../../formats/manifest.ts";
import { SKETCH_VERSION } from "./sketch.ts";

const MAX_SIDE = 2 ** 24;
const MAX_LAYERS = 4096;
const MAX_BLOCKS = 2 ** 16;

const count = z.int().min(0).max(MAX_SIDE);
/** Roles of the matrices that a sketch knows. */
export const ROLES = ["q", "k", "v", "o", "gate", "up", "down"] as const;
const manifestSchema = z.strictObject({
  version: z.literal(SKETCH_VERSION),
  keyId: z.string().max(64),
  release: z.string().max(512),
  heads: z.strictObject({ heads: count.min(1), kvHeads: count.min(1), headSize: count.min(1) }).nullable(),
  symmetries: z.strictObject({
    keys: z.strictObject({ rotaryRows: count, pairing: z.enum(["half", "adjacent"]) }).nullable(),
    doubt: z.string().max(1000).nullable(),
  }),
  components: z
    .array(
      z.strictObject({
        component: z.string().max(100),
        width: count.min(1),
        tokens: z.strictObject({ vocabulary: count, count, hashes: z.boolean() }).nullable(),
        layers: z
          .array(
            z.strictObject({
              layer: count,
              gains: z.strictObject({ attention: z.boolean(), feedForward: z.boolean() }),
              matrices: z
                .array(
                  z.strictObject({
                    role: z.enum(ROLES),
                    expert: z.int().min(-1),
                    rows: count.min(1),
                    cols: count.min(1),
                  }),
                )
                .max(3 * MAX_BLOCKS),
              keys: count.nullable(),
              values: count.nullable(),
              queries: count.nullable(),
              blocks: z
                .array(z.strictObject({ expert: z.int().min(-1), neurons: count.min(1), gated: z.boolean() }))
                .max(MAX_BLOCKS),
            }),
          )
          .max(MAX_LAYERS),
      }),
    )
    .max(16),
});

/** What a sketch holds and in which order; the numbers themselves lie in tensors. */
export type Manifest = z.infer<typeof manifestSchema>;

/** @throws SKETCH_MALFORMED */
export function readManifest(text: string, location: string): Manifest {
  const manifest = parseManifest(manifestSchema, text, (why, cause) => malformed(location, why, cause));
  if (repeats(manifest)) throw malformed(location, "it names one place twice");
  return manifest;
}

export function malformed(location: string, why: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("SKETCH_MALFORMED", `this sketch cannot be used: ${why}`, {
    file: location,
    cause,
  });
}

/** A matrix under one address twice would be counted twice in a statistic. */
function repeats({ components }: Manifest): boolean {
  const twice = (names: readonly (string | number)[]): boolean => new Set(names).size < names.length;
  if (twice(components.map(({ component }) => component))) return true;
  return components.some(({ layers }) => {
    if (twice(layers.map(({ layer }) => layer))) return true;
    return layers.some(
      ({ matrices, blocks }) =>
        twice(matrices.map(({ role, expert }) => `${role} ${expert}`)) || twice(blocks.map(({ expert }) => expert)),
    );
  });
}
