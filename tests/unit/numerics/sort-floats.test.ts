import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { sortFloats } from "../../../src/numerics/sort-floats.ts";

const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);

test.prop([fc.float32Array({ maxLength: 300, noNaN: true }), fc.boolean()])(
  "sorts as the built-in does, to the bit of a zero",
  (values, coarse) => {
    // Values of few bits leave a whole digit alike.
    const input = coarse ? new Float32Array(bits(values).map((word) => word & 0xffff0000).buffer) : values.slice();
    const finite = input.filter((x) => !Number.isNaN(x));
    expect(bits(sortFloats(finite.slice()))).toEqual(bits(finite.slice().sort()));
  },
);

test.prop([fc.float32Array({ minLength: 2, maxLength: 50, noNaN: true })])(
  "stays inside of the view it is given",
  (all) => {
    const copy = all.slice();
    sortFloats(copy.subarray(1, all.length - 1));
    expect([copy[0], copy[all.length - 1]]).toEqual([all[0], all[all.length - 1]]);
  },
);
