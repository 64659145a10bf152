import type { HealthReading, TensorHealth } from "../../fingerprint/health.ts";
import type { Checkpoint } from "../../index.ts";
import type { InspectReport } from "../../report/schemas/index.ts";

/** Names of each kind in a report: a header may name a million. */
const NAMED = 64;

type Values = NonNullable<InspectReport["values"]>;

/** What is wrong with the values that were read, the worst first. */
export function valuesReport({ tensors, of }: HealthReading): Values {
  const broken = tensors.filter(({ nonFinite }) => nonFinite > 0).sort((a, b) => shareOf(b) - shareOf(a));
  const equal = tensors.filter(({ constant }) => constant);
  return {
    tensors: tensors.length,
    ofTensors: of,
    nonFinite: {
      count: broken.length,
      tensors: broken.slice(0, NAMED).map((tensor) => ({ tensor: tensor.name, share: shareOf(tensor) })),
    },
    zero: named(equal.filter(({ zero }) => zero > 0)),
    constant: named(equal.filter(({ zero }) => zero === 0)),
  };
}

/** Tensors without an element. */
export function emptyTensors({ tensors }: Checkpoint): InspectReport["empty"] {
  return named([...tensors.values()].filter(({ shape }) => shape.includes(0)));
}

/** Tensors in which no value was seen that says something. */
export function unusableTensors({ tensors }: HealthReading): Set<string> {
  const unusable = tensors.filter(({ sampled, nonFinite, constant }) => constant || nonFinite === sampled);
  return new Set(unusable.map(({ name }) => name));
}

function shareOf({ nonFinite, sampled }: TensorHealth): number {
  return nonFinite / sampled;
}

function named(tensors: readonly { readonly name: string }[]): InspectReport["empty"] {
  return { count: tensors.length, tensors: tensors.slice(0, NAMED).map(({ name }) => name) };
}
