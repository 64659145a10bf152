import type { Fingerprint, ValueDigest } from "../fingerprint/fingerprint.ts";

/** A stored tensor, or a sketched matrix. */
export interface Leaf {
  readonly shape: string;
  readonly values: ValueDigest;
  /** Whether it says whose it is. */
  readonly varies: boolean;
  /** Whether its rows are tokens. */
  readonly tokens: boolean;
}

/** What one component of a model holds: its tensors as they are stored, and its matrices as far as they were sketched. */
export interface Holding {
  readonly stored: readonly Leaf[];
  readonly sketched: readonly Leaf[];
  /** Whether some of it may have no sketch: of many experts a few do. */
  readonly isPartial: boolean;
}

const known = new WeakMap<Fingerprint, ReadonlyMap<string, Holding>>();

/** By component, token tables included; found once for a fingerprint, which may have thousands of components. */
export function componentHoldings(fingerprint: Fingerprint): ReadonlyMap<string, Holding> {
  let holdings = known.get(fingerprint);
  if (holdings === undefined) {
    holdings = gathered(fingerprint);
    known.set(fingerprint, holdings);
  }
  return holdings;
}

function gathered({ tensors, sketches }: Fingerprint): ReadonlyMap<string, Holding> {
  const holdings = new Map<string, { stored: Leaf[]; sketched: Leaf[]; experts: boolean }>();
  const of = (component: string): { stored: Leaf[]; sketched: Leaf[]; experts: boolean } => {
    let held = holdings.get(component);
    if (held === undefined) {
      held = { stored: [], sketched: [], experts: false };
      holdings.set(component, held);
    }
    return held;
  };
  for (const { component, shape, values, uniform } of tensors) {
    if (component === null || values === null) continue;
    of(component).stored.push({ shape: shape.join("x"), values, varies: !uniform, tokens: false });
  }
  for (const { component, expert, rows, cols, digest, valid, tokens, twin } of sketches) {
    // The same tensor, laid the other way.
    if (twin) continue;
    const held = of(component);
    held.sketched.push({ shape: `${rows}x${cols}`, values: digest, varies: valid.some(Boolean), tokens });
    held.experts ||= expert >= 0;
  }
  return new Map(
    [...holdings].map(([component, { stored, sketched, experts }]) => {
      return [component, { stored, sketched, isPartial: experts || stored.length > sketched.length }];
    }),
  );
}
