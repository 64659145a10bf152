import type { Fingerprint, ValueDigest } from "../fingerprint/fingerprint.ts";
import { componentHoldings, type Holding } from "../lineage/component-holding.ts";

/** What one component holds, whatever its names and order, as one text for each number format. */
export type ComponentContent = Readonly<Record<keyof ValueDigest, string>>;

/** Equal values, or one side is the other after rounding: encoders are published in f32 and taken over in bf16. */
const EQUAL: readonly (readonly [keyof ValueDigest, keyof ValueDigest])[] = [
  ["f32", "f32"],
  ["f32", "f16"],
  ["f32", "bf16"],
  ["f16", "f32"],
  ["bf16", "f32"],
];

/** By component; those of which no sketched matrix says anything are left out: constants are equal everywhere. */
export function componentContents(fingerprint: Fingerprint): Map<string, ComponentContent> {
  const usable = [...componentHoldings(fingerprint)].filter(([, held]) => held.sketched.some(({ varies }) => varies));
  return new Map(usable.map(([component, held]) => [component, contentOf(held)]));
}

/** What finds a component that holds the same as another: a hostile fingerprint may have thousands on either side. */
export function contentIndex(
  components: ReadonlyMap<string, ComponentContent>,
): (content: ComponentContent) => string | undefined {
  const by = (kind: keyof ValueDigest) => new Map([...components].map(([name, content]) => [content[kind], name]));
  const names = { f32: by("f32"), f16: by("f16"), bf16: by("bf16") };
  return (content) => {
    for (const [mine, theirs] of EQUAL) {
      const found = names[theirs].get(content[mine]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/**
 * The multiset of digests with their shapes. Sketches know how matrices are fused or laid, so they say it alone where there
 * is one of every matrix; where most experts have none, what is stored has a say too.
 */
function contentOf({ sketched, stored, isPartial }: Holding): ComponentContent {
  const leaves = isPartial ? [...sketched, ...stored] : sketched;
  const all = (kind: keyof ValueDigest): string =>
    leaves
      .map(({ shape, values }) => `${shape} ${values[kind]}`)
      .sort()
      .join("\n");
  return { f32: all("f32"), f16: all("f16"), bf16: all("bf16") };
}
