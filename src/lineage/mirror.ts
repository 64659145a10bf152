import type { ComponentFinding } from "./finding.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import type { Pairing } from "./pairing.ts";
import type { SignedRetention, SliceRetention } from "./retention.ts";

/**
 * A finding with suspect and base exchanged. Every pair is tested in one order, which its contents decide, so that a
 * comparison says the same both ways round; this is how it is told the other way.
 */
export function mirrored(finding: ComponentFinding): ComponentFinding {
  const { verdict, pairing, slices, support } = finding;
  const learned =
    verdict.learned === null
      ? null
      : { baseInSuspect: verdict.learned.suspectInBase, suspectInBase: verdict.learned.baseInSuspect };
  return {
    ...finding,
    verdict: {
      ...verdict,
      component: verdict.suspectComponent,
      suspectComponent: verdict.component,
      learned,
    },
    pairing: mirroredPairing(pairing),
    support: support === null ? null : { ...support, pairs: support.pairs.map(mirroredPair) },
    slices: slices.map(mirroredSlice),
  };
}

function mirroredPairing(pairing: Pairing): Pairing {
  const [component, suspectComponent] = [pairing.suspectComponent, pairing.component];
  const layers = pairing.layers.map((hit) => ({ ...hit, component, suspect: hit.base, base: hit.suspect }));
  return { ...pairing, component, suspectComponent, pairs: pairing.pairs.map(mirroredPair), layers };
}

function mirroredPair(pair: MatrixPair): MatrixPair {
  return { ...pair, suspect: pair.base, base: pair.suspect };
}

function mirroredSlice(slice: SliceRetention): SliceRetention {
  // Field by field: a spread would ask for the rank, which is dear and seldom wanted.
  return {
    role: slice.role,
    layer: slice.layer,
    ...mirroredSigns(slice),
    turned: () => mirroredSigns(slice.turned()),
    get rank() {
      return slice.rank;
    },
    get random() {
      return slice.random;
    },
    get departure() {
      const { suspect, base } = slice.departure;
      return { suspect: base, base: suspect };
    },
  };
}

function mirroredSigns({ forward, backward, scale, reverseScale, drift }: SignedRetention): SignedRetention {
  return { forward: backward, backward: forward, scale: reverseScale, reverseScale: scale, drift };
}
