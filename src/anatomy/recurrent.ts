import type { CanonicalTensor } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import type { Reach } from "./reach.ts";
import { type Place, plainView, transposedView } from "./view.ts";

const TORCH = /^(.*[./]|)weight_(ih|hh)(?:_l([0-9]{1,4}))?(_reverse)?$/;
const KERAS = /^(.*[./]|)(recurrent_kernel|kernel)(?::0)?$/;
/** Gates of a plain cell, a GRU and an LSTM. */
const GATES = [1, 3, 4];

export interface Recurrent {
  readonly view: CanonicalTensor;
  readonly reach: Reach;
}

/** Which tensors are parts of recurrent cells: a cell is known by the matrix that reads its own state. */
export function recurrentCells(parameters: readonly Parameter[]): ReadonlyMap<string, number> {
  const states = new Map<string, number>();
  for (const { tensor, shape } of parameters) {
    if (shape.length !== 2) continue;
    const torch = TORCH.exec(tensor);
    if (torch?.[2] === "hh") note(torch[1] as string, shape[0] as number, shape[1] as number);
    const keras = torch === null ? KERAS.exec(tensor) : null;
    if (keras?.[2] === "recurrent_kernel") note(keras[1] as string, shape[1] as number, shape[0] as number);
  }
  return states;

  function note(cell: string, rows: number, state: number): void {
    if (GATES.some((gates) => rows === gates * state)) states.set(cell, state);
  }
}

/** A matrix of a cell in `cells`, null for everything else. */
export function recurrent(
  { tensor, shape }: Parameter,
  cells: ReadonlyMap<string, number>,
  place: Place,
): Recurrent | null {
  if (shape.length !== 2) return null;
  const [a, b] = shape as [number, number];
  const torch = TORCH.exec(tensor);
  if (torch !== null) {
    const state = cells.get(torch[1] as string);
    if (state === undefined || a % state !== 0) return null;
    const view = plainView(place, a, b);
    if (torch[2] === "hh") return { view, reach: { reads: b, writes: state, columns: "state" } };
    // The first layer reads what the cell is given; a later one the states of one direction or of both.
    const deeper = Number(torch[3] ?? 0) > 0 && b % state === 0;
    return { view, reach: { reads: b, writes: state, columns: deeper ? "state" : "given", run: deeper ? state : b } };
  }
  const keras = KERAS.exec(tensor);
  const state = keras === null ? undefined : cells.get(keras[1] as string);
  if (keras === null || state === undefined || b % state !== 0) return null;
  const columns = keras[2] === "recurrent_kernel" ? "state" : "read";
  return { view: transposedView(place, b, a), reach: { reads: a, writes: state, columns } };
}
