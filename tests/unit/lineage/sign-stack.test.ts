import { expect, test } from "vitest";
import { buildStack, rowInner, stackInner } from "../../../src/lineage/sign-stack.ts";

const bits = (text: string) => Uint32Array.of(Number.parseInt([...text].reverse().join(""), 2));

test("signs agree by the labels that both have, centred row by row", () => {
  // Rows of six: + + - - + -, of which the other has two signs turned.
  const stack = buildStack([{ a: bits("001101"), b: bits("101100") }], 6);
  expect(stackInner(stack)).toEqual({ centred: 2, agreement: 4 / 6 });
  expect([...rowInner(stack)]).toEqual([2]);
  // Only the first four labels are common.
  const cut = buildStack([{ a: bits("001111"), b: bits("001100") }], 4);
  expect(stackInner(cut)).toEqual({ centred: 4, agreement: 1 });
});

test("a row of one sign says nothing, and no rows agree in nothing", () => {
  expect(stackInner(buildStack([{ a: bits("111111"), b: bits("110110") }], 6)).centred).toBeCloseTo(0, 12);
  expect(stackInner(buildStack([], 6))).toEqual({ centred: 0, agreement: 0 });
});
