/** Before that much was seen of the work, what is left of it is anybody's guess. */
const LEAST_SECONDS = 2;
const LEAST_PART = 0.01;

/** Whether `done` of `total` in so many seconds tell how long the rest will take. */
export function isTelling(done: number, total: number, seconds: number): boolean {
  return seconds >= LEAST_SECONDS && done > 0 && done >= LEAST_PART * total;
}

/** What was done since the first piece: the time before that was spent on something else, such as opening a model. */
export interface Measured {
  /** Per second, 0 while nothing can be said. */
  readonly rate: number;
  /** Seconds for the rest, or null while it cannot be told. */
  readonly left: number | null;
}

/** Measures from one call to the next. Seconds are of any clock that only goes on. */
export function createEstimate(): (done: number, total: number, seconds: number) => Measured {
  let first: { readonly done: number; readonly seconds: number } | null = null;
  return (done, total, seconds) => {
    if (done > 0) first ??= { done, seconds };
    if (first === null) return { rate: 0, left: null };
    const [more, passed] = [done - first.done, seconds - first.seconds];
    const rate = passed > 0 ? more / passed : 0;
    return { rate, left: isTelling(more, total, passed) ? (total - done) / rate : null };
  };
}
