import type { Rotary, RotaryScaling } from "./architecture.ts";
import { type ConfigReader, unsupported } from "./config-reader.ts";

export interface RotaryDefaults {
  readonly headSize: number;
  readonly theta: number;
  /** Fraction of a head that turns. */
  readonly part: number;
}

/**
 * Rotary positions from config.json, in the writing of transformers 5 (`rope_parameters`) or before (`rope_theta`,
 * `rope_scaling`). Throws FORWARD_UNSUPPORTED.
 */
export function rotaryParameters(config: ConfigReader, defaults: RotaryDefaults): Rotary {
  const own = config.object("rope_parameters");
  const scaled = config.object("rope_scaling") ?? own;
  const theta = own?.has("rope_theta") ? own.positive("rope_theta") : config.positive("rope_theta", defaults.theta);
  const where = own?.has("partial_rotary_factor") ? own : config;
  const part = where.positive("partial_rotary_factor", defaults.part);
  const dims = Math.trunc(defaults.headSize * part);
  if (part > 1 || dims < 2 || dims % 2 !== 0) throw unsupported(`rotary positions turn ${dims} elements of a head`);
  return { dims, theta, scaling: scaled === null ? { kind: "none" } : scalingOf(scaled) };
}

export function scalingOf(rope: ConfigReader): RotaryScaling {
  const kind = rope.optionalText("rope_type") ?? rope.text("type", "default");
  if (rope.has("mrope_section")) throw unsupported("rotary positions in several sections (mrope_section)");
  switch (kind) {
    case "default":
      return { kind: "none" };
    case "linear":
      return { kind, factor: rope.positive("factor") };
    case "llama3":
      return {
        kind,
        factor: rope.positive("factor"),
        lowFrequency: rope.positive("low_freq_factor"),
        highFrequency: rope.positive("high_freq_factor"),
        originalPositions: rope.integer("original_max_position_embeddings"),
      };
    default:
      throw unsupported(`rotary positions of type ${kind}`);
  }
}
