import { WeightmarkError } from "../errors.ts";

type Fields = Readonly<Record<string, unknown>>;

/** No dimension of a transformer comes near; what is larger is a lie or would not fit anywhere. */
const MAX_DIMENSION = 2 ** 24;

/**
 * Typed access to config.json. A field that is absent takes the default of the reference library, one of the wrong type
 * is refused: every method throws FORWARD_UNSUPPORTED.
 */
export class ConfigReader {
  readonly #fields: Fields;
  readonly #path: string;

  constructor(fields: Fields, path = "") {
    this.#fields = fields;
    this.#path = path;
  }

  /** A dimension or count from 1 on. */
  integer(key: string, absent?: number): number {
    const value = this.#value(key) ?? absent;
    if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_DIMENSION) {
      return value as number;
    }
    throw this.#wrong(key, "no whole number above 0");
  }

  /** As `integer`, but null stays null. */
  optionalInteger(key: string, absent: number | null = null): number | null {
    const value = this.#value(key, absent);
    return value === null ? null : this.integer(key, absent ?? undefined);
  }

  /** A finite number above 0. */
  positive(key: string, absent?: number): number {
    const value = this.#value(key) ?? absent;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    throw this.#wrong(key, "no number above 0");
  }

  optionalPositive(key: string, absent: number | null): number | null {
    const value = this.#value(key, absent);
    return value === null ? null : this.positive(key, absent ?? undefined);
  }

  flag(key: string, absent: boolean): boolean {
    const value = this.#value(key) ?? absent;
    if (typeof value === "boolean") return value;
    throw this.#wrong(key, "neither true nor false");
  }

  text(key: string, absent?: string): string {
    const value = this.#value(key) ?? absent;
    if (typeof value === "string") return value;
    throw this.#wrong(key, "no string");
  }

  optionalText(key: string): string | null {
    return this.#value(key) == null ? null : this.text(key);
  }

  /** A list of strings, null when absent. */
  texts(key: string): readonly string[] | null {
    const value = this.#value(key);
    if (value === null || value === undefined) return null;
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
    throw this.#wrong(key, "no list of strings");
  }

  object(key: string): ConfigReader | null {
    const value = this.#value(key);
    if (value === null || value === undefined) return null;
    if (typeof value === "object" && !Array.isArray(value))
      return new ConfigReader(value as Fields, `${this.#path}${key}.`);
    throw this.#wrong(key, "no object");
  }

  has(key: string): boolean {
    return this.#value(key) != null;
  }

  /** `absent` stands for a missing key only: a stored null is a null. */
  #value(key: string, absent?: unknown): unknown {
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : absent;
  }

  #wrong(key: string, what: string): WeightmarkError {
    return unsupported(`config.json: ${this.#path}${key} is ${what}`);
  }
}

/** A refusal to run the model: nothing is computed that is not known to be right. */
export function unsupported(message: string, tensor?: string, file?: string): WeightmarkError {
  return new WeightmarkError("FORWARD_UNSUPPORTED", message, {
    tensor,
    file,
    detail: "Other commands do not run the model: compare, identify and inspect still read it.",
  });
}
