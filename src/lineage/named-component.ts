import { WeightmarkError } from "../errors.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";

/** Components that a refusal lists; models have a handful. */
const LISTED = 24;

/**
 * The component that a user means: its name, or the beginning of its dotted path where only one begins so.
 *
 * @throws COMPONENT_UNKNOWN
 */
export function namedComponent({ sketches }: Pick<Fingerprint, "sketches">, text: string): string {
  const components = [...new Set(sketches.map(({ component }) => component))].sort();
  if (components.includes(text)) return text;
  const below = components.filter((component) => component.startsWith(`${text}.`));
  if (below.length === 1) return below[0]!;
  const more = components.length > LISTED ? ` and ${components.length - LISTED} more` : "";
  const listed = components.length === 0 ? "none" : `${components.slice(0, LISTED).join(", ")}${more}`;
  throw new WeightmarkError(
    "COMPONENT_UNKNOWN",
    below.length > 1 ? `several components begin with ${text}` : `the model has no component ${text}`,
    { detail: `Its components: ${listed}.` },
  );
}
