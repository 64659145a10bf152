import type { Comparison } from "./comparison.ts";
import type { Html } from "./markup.ts";
import { type Interval, intervals } from "./pictures/intervals.ts";

type Learned = NonNullable<Comparison["components"][number]["learned"]>;

const MOST = 6;

/** How much of either's training, and of its start, the other one has, with three standard errors. */
export function retentionPictures({ components, deep }: Comparison): (Html | null)[] {
  const parts = components.flatMap(({ component, learned }) => (learned === null ? [] : [{ component, learned }]));
  const own = deep?.learned ? [{ component: "the whole, after matching", learned: deep.learned }] : [];
  return [...parts, ...own]
    .slice(0, MOST)
    .map(({ component, learned }) =>
      intervals(
        `What is found back, ${component}`,
        "share found (1: all of it)",
        rowsOf(learned),
        "Dots are shares; lines reach three standard errors of a training's share, and the standard deviation over slices of a start's. A merge has a share of each parent; separate trainings of one start share the start and little of the training.",
        [1],
      ),
    );
}

function rowsOf({ baseInSuspect, suspectInBase }: Learned): Interval[] {
  return [
    training("training of the base, in the suspect", baseInSuspect),
    start("start of the base, in the suspect", baseInSuspect),
    training("training of the suspect, in the base", suspectInBase),
    start("start of the suspect, in the base", suspectInBase),
  ];
}

function training(name: string, { share, error }: Learned["baseInSuspect"]): Interval {
  const reach = 3 * (error ?? 0);
  return { name, value: share, low: share - reach, high: share + reach };
}

function start(name: string, { bulk, spread }: Learned["baseInSuspect"]): Interval {
  return { name, value: bulk, low: bulk - spread, high: bulk + spread };
}
