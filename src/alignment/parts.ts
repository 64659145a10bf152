import type { CanonicalTensor, Role } from "../anatomy/anatomy.ts";
import type { Site } from "./reference.ts";

/** A component of a model by layers, as far as its matrices read or write the residual stream. */
export interface ComponentParts {
  readonly component: string;
  readonly width: number;
  readonly embed: CanonicalTensor | null;
  readonly layers: readonly LayerParts[];
}

export interface LayerParts {
  readonly layer: number;
  readonly attention: ReadonlyMap<Role, CanonicalTensor>;
  /** By expert, -1 for the dense network. */
  readonly blocks: ReadonlyMap<number, BlockParts>;
}

export interface BlockParts {
  readonly gate: CanonicalTensor | null;
  readonly up: CanonicalTensor | null;
  readonly down: CanonicalTensor | null;
}

const ATTENTION: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o"]);
const FEED_FORWARD: ReadonlySet<Role> = new Set<Role>(["gate", "up", "down"]);
const WRITERS: ReadonlySet<Role> = new Set<Role>(["o", "down"]);

export function siteOf(role: Role): Site {
  return ATTENTION.has(role) ? "attention" : "feedForward";
}

/** Whether rows of the matrix are coordinates of the residual stream, rather than its columns. */
export function writes(role: Role): boolean {
  return WRITERS.has(role);
}

/** Components in the order of the views; matrices that do not fit the width of the stream are left out. */
export function partsOf(views: readonly CanonicalTensor[]): readonly ComponentParts[] {
  const byComponent = new Map<string, CanonicalTensor[]>();
  for (const view of views) {
    const list = byComponent.get(view.component);
    if (list === undefined) byComponent.set(view.component, [view]);
    else list.push(view);
  }
  return [...byComponent].map(([component, list]) => componentParts(component, list));
}

function componentParts(component: string, views: readonly CanonicalTensor[]): ComponentParts {
  const width = streamWidth(views);
  const layers = new Map<number, { attention: Map<Role, CanonicalTensor>; blocks: Map<number, BlockParts> }>();
  for (const view of views) {
    const { layer, role, expert } = view;
    const attends = ATTENTION.has(role);
    if (layer < 0 || !(attends || FEED_FORWARD.has(role))) continue;
    if ((writes(role) ? view.rows : view.cols) !== width) continue;
    const found = layers.get(layer) ?? { attention: new Map(), blocks: new Map() };
    layers.set(layer, found);
    if (attends) found.attention.set(role, view);
    else found.blocks.set(expert, { ...(found.blocks.get(expert) ?? NOTHING), [role]: view });
  }
  return {
    component,
    width,
    embed: views.find(({ role, cols }) => role === "embed" && cols === width) ?? null,
    layers: [...layers].sort(([a], [b]) => a - b).map(([layer, parts]) => ({ layer, ...parts })),
  };
}

const NOTHING: BlockParts = { gate: null, up: null, down: null };

/** The side that most weights have towards the stream, which small tensors cannot outvote; 0 when there is none. */
function streamWidth(views: readonly CanonicalTensor[]): number {
  const counts = new Map<number, number>();
  for (const { layer, role, rows, cols } of views) {
    if (layer < 0) continue;
    const side = writes(role) ? rows : cols;
    counts.set(side, (counts.get(side) ?? 0) + rows * cols);
  }
  let best = 0;
  for (const [side, count] of counts) if (count > (counts.get(best) ?? 0)) best = side;
  return best;
}
