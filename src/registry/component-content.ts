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

/** The multiset of digests with their shapes, as one text for each number format. */
function contentOf(sketches: readonly Sketch[]): ComponentContent {
  const all = (kind: keyof ValueDigest): string =>
    sketches
      .map(({ rows, cols, digest }) => `${rows}x${cols} ${digest[kind]}`)
      .sort()
      .join("\n");
  return { f32: all("f32"), f16: all("f16"), bf16: all("bf16") };
}
