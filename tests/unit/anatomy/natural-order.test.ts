import { expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { compareNames } from "../../../src/anatomy/natural-order.ts";
import { tableOf } from "../../support/tensor-table.ts";

test("numbers inside names compare as numbers", () => {
  const sorted = ["a", "a.2", "a.2.b", "a.10", "a.10.b", "a10", "b.007", "b.7", "b.8", `c${"9".repeat(40)}`, "c1x"];
  const order = [...sorted].reverse().sort(compareNames);
  expect(order).toEqual([
    "a",
    "a.2",
    "a.2.b",
    "a.10",
    "a.10.b",
    "a10",
    "b.007",
    "b.7",
    "b.8",
    "c1x",
    `c${"9".repeat(40)}`,
  ]);
});

test("is an order: antisymmetric, and equal only to itself", () => {
  const names = ["", "0", "00", "1", "01", "10", "a1b2", "a1b10", "a01b2", "a1", "a", "é1", "1a"];
  for (const a of names) {
    for (const b of names) {
      expect(Math.sign(compareNames(a, b)) + Math.sign(compareNames(b, a))).toBe(0);
      expect(compareNames(a, b) === 0).toBe(a === b);
      for (const c of names) {
        if (compareNames(a, b) < 0 && compareNames(b, c) < 0) expect(compareNames(a, c)).toBeLessThan(0);
      }
    }
  }
});

test("matrices of one layer and role stay in the order of their numbers", () => {
  const lines = [10, 2, 1, 0].flatMap((sub) => [
    `enc.blocks.0.sub.${sub}.fc1.weight 64 32`,
    `enc.blocks.0.sub.${sub}.fc2.weight 32 64`,
    `enc.blocks.0.sub.${sub}.norm.weight 32`,
  ]);
  const { matrices } = describeAnatomy(tableOf(lines.join("\n")), null);
  const ups = matrices.filter(({ role, twin }) => role === "up" && !twin).map(({ tensor }) => tensor);
  expect(ups).toEqual([0, 1, 2, 10].map((sub) => `enc.blocks.0.sub.${sub}.fc1.weight`));
});
