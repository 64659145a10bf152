/** See `targets.mjs`. */
export interface Target {
  readonly name: string;
  readonly extension: "bin" | "json";
  make(random: object): Uint8Array | Promise<Uint8Array>;
  check(bytes: Uint8Array): Promise<void>;
}

export const TARGETS: ReadonlyMap<string, number>;
export function loadTarget(name: string): Promise<Target>;
export function sharesOf(names: readonly string[], inputs: number): Map<string, number>;
