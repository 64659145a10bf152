/** What config.json says of how weights are packed. It settles only what tensors leave open, and is held against them. */
export interface Settings {
  readonly bits: number | null;
  readonly groupSize: number | null;
  /** GPTQ: whether zero points are stored less one ("gptq"), or as they are ("gptq_v2"). */
  readonly zerosLessOne: boolean | null;
  /** Bits and group size of the modules that have others, for MLX. */
  moduleOf(name: string): { readonly bits: number | null; readonly groupSize: number | null };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function wholeOf(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1 << 24 ? value : null;
}

function own(fields: Fields | null, key: string): unknown {
  return fields !== null && Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/**
 * Reads `quantization_config` (transformers) and `quantization` (MLX); whatever is of another type is as if it was not there.
 */
export function settingsOf(config: Fields | null): Settings {
  const mlx = fieldsOf(own(config, "quantization"));
  const fields = fieldsOf(own(config, "quantization_config")) ?? mlx;
  // Libraries that knew one format alone did not name it.
  const format = own(fields, "checkpoint_format") ?? (own(fields, "quant_method") === "gptq" ? "gptq" : null);
  const general = { bits: wholeOf(own(fields, "bits")), groupSize: wholeOf(own(fields, "group_size")) };
  return {
    ...general,
    zerosLessOne: format === "gptq" ? true : format === "gptq_v2" ? false : null,
    moduleOf(name) {
      const module = fieldsOf(own(mlx ?? fields, name));
      if (module === null) return general;
      return { bits: wholeOf(own(module, "bits")), groupSize: wholeOf(own(module, "group_size")) };
    },
  };
}
