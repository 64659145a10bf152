type Config = Readonly<Record<string, unknown>>;

/** The part of a config that describes the language model: all of it, but for models of several kinds of input. */
export function textConfig(config: Config | null): Config | null {
  if (config === null) return null;
  const text = own(config, "text_config");
  return isRecord(text) ? text : config;
}

/** The first of `keys` that holds a positive integer. */
export function configCount(config: Config, keys: readonly string[]): number | null {
  for (const key of keys) {
    const value = own(config, key);
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  }
  return null;
}

/** A field of `config` itself, never of a prototype. */
export function own(config: Config, key: string): unknown {
  return Object.hasOwn(config, key) ? config[key] : undefined;
}

export function isRecord(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
