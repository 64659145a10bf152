export interface Limits {
  readonly limitMs: number;
  readonly heapMb: number;
  readonly growBytes: number;
  readonly smallBytes: number;
}

export interface Find {
  readonly code: string;
  readonly message: string;
  readonly index: number;
  readonly bytes?: Uint8Array;
  readonly file?: string;
  input(): Promise<Uint8Array>;
}

export interface Tally {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly finds: number;
  kinds(): readonly (readonly Find[])[];
}

export const LIMITS: Limits;
export function campaign(options: {
  readonly module: string;
  readonly shares: ReadonlyMap<string, number>;
  readonly seed: string;
  readonly corpus?: string | null;
  readonly workers?: number;
  readonly limits?: Limits;
}): Promise<Map<string, Tally>>;
