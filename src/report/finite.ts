/** A number JSON cannot hold, and where it stood. */
export interface NonFinite {
  /** JSON pointer. */
  readonly path: string;
  readonly value: "NaN" | "Infinity" | "-Infinity";
}

/** The same value with NaN and infinities as null, and the list of them; Maps and typed arrays do not occur in results. */
export function withoutNonFinite<T>(value: T): { readonly value: T; readonly found: readonly NonFinite[] } {
  const found: NonFinite[] = [];
  const walk = (node: unknown, path: string): unknown => {
    if (typeof node === "number" && !Number.isFinite(node)) {
      found.push({ path, value: String(node) as NonFinite["value"] });
      return null;
    }
    if (Array.isArray(node)) return node.map((item, i) => walk(item, `${path}/${i}`));
    if (typeof node !== "object" || node === null) return node;
    const pairs = Object.entries(node).map(([key, item]) => {
      return [key, walk(item, `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`)] as const;
    });
    // fromEntries defines properties, so that even "__proto__" is only a key.
    return Object.fromEntries(pairs.filter(([, item]) => item !== undefined));
  };
  return { value: walk(value, "") as T, found };
}
