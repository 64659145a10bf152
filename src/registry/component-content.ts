import type { Fingerprint, Sketch, ValueDigest } from "../fingerprint/fingerprint.ts";

/** What the sampled matrices of one component hold, whatever their names, order and number format. */
export type ComponentContent = Readonly<Record<keyof ValueDigest, string>>;

/** Equal values, or one side is the other after rounding: encoders are published in f32 and taken over in bf16. */
const EQUAL: readonly (readonly [keyof ValueDigest, keyof ValueDigest])[] = [
  ["f32", "f32"],
  ["f32", "f16"],
  ["f32", "bf16"],
  ["f16", "f32"],
  ["bf16", "f32"],
];

/** By component; those without a usable row are left out: constants are equal everywhere. */
export function componentContents({ sketches }: Pick<Fingerprint, "sketches">): Map<string, ComponentContent> {
  const components = new Map<string, Sketch[]>();
  for (const sketch of sketches) {
    const list = components.get(sketch.component);
    if (list) list.push(sketch);
    else components.set(sketch.component, [sketch]);
  }
  const usable = [...components].filter(([, list]) => list.some(({ valid }) => valid.some(Boolean)));
  return new Map(usable.map(([component, list]) => [component, contentOf(list)]));
}

export function holdsSame(one: ComponentContent, other: ComponentContent): boolean {
  return EQUAL.some(([a, b]) => one[a] === other[b]);
}

/** The multiset of digests with their shapes, as one text for each number format. */
function contentOf(sketches: readonly Sketch[]): ComponentContent {
  const all = (kind: keyof ValueDigest): string =>
    sketches
      .map(({ rows, cols, digest }) => `${rows}x${cols} ${digest[kind]}`)
      .sort()
      .join("\n");
  return { f32: all("f32"), f16: all("f16"), bf16: all("bf16") };
}
