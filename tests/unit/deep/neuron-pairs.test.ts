import { describe, expect, test } from "vitest";
import { pairedSides } from "../../../src/deep/neuron-pairs.ts";
import { sideRows } from "../../../src/deep/paired-rows.ts";
import type { NeuronViews } from "../../../src/deep/views.ts";
import { permutation, prng } from "../../../src/numerics/prng.ts";

const WIDTH = 48;
const NEURONS = 96;

function rows(purpose: string): Float32Array {
  const random = prng(purpose);
  return Float32Array.from({ length: NEURONS * WIDTH }, () => random.normal());
}

const network = (purpose: string): NeuronViews => ({
  neurons: NEURONS,
  width: WIDTH,
  gate: rows(`${purpose} gate`),
  up: rows(`${purpose} up`),
  down: rows(`${purpose} down`),
});

/** What every neuron of every view becomes; `from` is its number before. */
function changed(
  views: NeuronViews,
  change: (role: "gate" | "up" | "down", x: number, neuron: number, at: number) => number,
  from: readonly number[] = [...Array(NEURONS).keys()],
): NeuronViews {
  const of = (role: "gate" | "up" | "down") =>
    Float32Array.from({ length: NEURONS * WIDTH }, (_, at) => {
      const neuron = Math.floor(at / WIDTH);
      return change(role, views[role]![from[neuron]! * WIDTH + (at % WIDTH)]!, neuron, at);
    });
  return { ...views, gate: of("gate"), up: of("up"), down: of("down") };
}

const base = network("base");
const noise = { gate: rows("noise gate"), up: rows("noise up"), down: rows("noise down") };
const drifted = (views: NeuronViews, size: number, from?: readonly number[]): NeuronViews =>
  changed(views, (role, x, _, at) => x + size * noise[role][at]!, from);
const order = [...permutation(NEURONS, "order")];
const sidesOf = (b: NeuronViews, a = base, common = NEURONS) => pairedSides({ a, b, common, measurable: true });

describe("neurons that belong together", () => {
  test("in their places: all of them, whoever finds whom", () => {
    const sides = sidesOf(drifted(base, 1.2));
    expect(sides.map(({ by, measured }) => [by, measured])).toEqual([
      [["gate"], ["up", "down"]],
      [["up", "down"], ["gate"]],
    ]);
    const places = Array.from({ length: NEURONS }, (_, i) => [i, i]);
    for (const { pairs } of sides) expect(pairs).toEqual(places);
  });

  test("renumbered: by each side without the other", () => {
    const moved = drifted(base, 0.3, order);
    for (const { pairs } of sidesOf(moved)) {
      expect(pairs).toHaveLength(NEURONS);
      expect(pairs.every(([i, j]) => order[j] === i)).toBe(true);
    }
    // Gates that say nothing leave what is found by the others, which the gates do not confirm.
    expect(sidesOf({ ...moved, gate: rows("other gates") })).toEqual([]);
  });

  test("none where less than half of a layer is found by both", () => {
    const kept = order.map((_, j) => j < 0.45 * NEURONS);
    const other = network("other");
    const some = changed(base, (role, x, neuron, at) => (kept[neuron] ? x : other[role]![at]!), order);
    expect(sidesOf(some)).toEqual([]);
    expect(sidesOf(some, base, 0.6 * NEURONS)).toHaveLength(2);
    expect(sidesOf(network("stranger"))).toEqual([]);
  });

  test("of a plain network what opens it and what it writes; of one view alone nothing", () => {
    const plain = (views: NeuronViews): NeuronViews => ({ ...views, gate: null });
    const sides = sidesOf(plain(drifted(base, 0.3, order)), plain(base));
    expect(sides.map(({ by, measured }) => [by, measured])).toEqual([
      [["up"], ["down"]],
      [["down"], ["up"]],
    ]);
    expect(sidesOf({ ...plain(base), down: null }, { ...plain(base), down: null })).toEqual([]);
  });
});

describe("rows of paired neurons", () => {
  const measured = (b: NeuronViews, role: "gate" | "up" | "down", a = base, measurable = true) =>
    sideRows({ a, b, common: NEURONS, measurable })
      .flatMap((side) => side.measured)
      .find((rows) => rows.role === role)!;
  const error = ({ a, b }: { a: Float32Array; b: Float32Array }, factor = 1): number =>
    Math.max(...a.map((x, i) => Math.abs(factor * x - b[i]!)));

  test("factors and signs that cancel are taken back, and what both views grew by is not", () => {
    const factor = (neuron: number): number => (neuron % 2 === 0 ? -1 : 1) * (0.5 + (neuron % 7) / 4);
    const scaled = changed(
      base,
      (role, x, neuron) =>
        role === "gate" ? x : role === "up" ? 1.5 * x * factor(neuron) : (1.5 * x) / factor(neuron),
      order,
    );
    expect(error(measured(scaled, "gate"))).toBe(0);
    expect(error(measured(scaled, "up"), 1.5)).toBeLessThan(1e-4);
    expect(error(measured(scaled, "down"), 1.5)).toBeLessThan(1e-4);
  });

  test("no row is turned to agree with what it is held against, but as the other has it", () => {
    const third = changed(base, (role, x, neuron) => (role === "up" && neuron % 3 === 0 ? -x : x));
    for (const role of ["up", "down"] as const) {
      const { a, b } = measured(third, role);
      expect(a).toHaveLength(NEURONS * WIDTH);
      expect(b).toEqual(a.map((x, at) => (Math.floor(at / WIDTH) % 3 === 0 ? -x : x)));
    }
  });

  test("without what they write, neurons read by as much more as opens them", () => {
    const unseen = (views: NeuronViews): NeuronViews => ({ ...views, down: null });
    const grown = changed(base, (role, x, neuron) => (role === "gate" ? 1.2 * x : x * (neuron + 1)));
    expect(error(measured(unseen(grown), "up", unseen(base)), 1.2)).toBeLessThan(1e-5);
  });

  test("where lengths say nothing, rows have those of the first's", () => {
    const grown = changed(base, (_, x, neuron) => x * (neuron + 1));
    for (const role of ["gate", "up", "down"] as const) {
      expect(error(measured(grown, role, base, false))).toBeLessThan(1e-5);
    }
  });

  test("a neuron of next to no size spoils no other", () => {
    const huge = changed(base, (role, x, neuron) => (neuron > 0 ? x : role === "up" ? 1e-38 * x : 1e12 * x));
    const { b } = measured(huge, "up");
    expect(b.subarray(WIDTH).every(Number.isFinite)).toBe(true);
  });
});
