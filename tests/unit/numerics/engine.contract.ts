import { describe, expect, test } from "vitest";
import type { DenseEngine, EngineStatus } from "../../../src/numerics/dense-engine.ts";
import { prng } from "../../../src/numerics/prng.ts";

/** What every engine owes its callers. An absent engine is skipped by name, with the reason in the title. */
export function engineContract(status: EngineStatus): void {
  if (status.engine === null) {
    test.skip(`${status.name}: ${status.reason}`, () => {});
    return;
  }
  const engine: DenseEngine = status.engine;

  describe(`${engine.name} multiplies`, () => {
    test.each([
      [1, 1, 1],
      [1, 300, 1],
      [3, 1, 5],
      [4, 8, 8],
      [5, 7, 9],
      [64, 257, 33],
      [65, 513, 257],
      [128, 64, 300],
    ])("%d x %d x %d, against sums in double precision", (m, k, n) => {
      const random = prng(`${m} ${k} ${n}`);
      const a = Float32Array.from({ length: m * k }, () => random.normal());
      const b = Float32Array.from({ length: k * n }, () => random.normal());
      const transposed = new Float32Array(k * n);
      for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) transposed[j * k + i] = b[i * n + j]!;
      const product = engine.matmul(a, b, m, k, n);
      const other = engine.matmulT(a, transposed, m, k, n);
      expect(product.length).toBe(m * n);
      expect(other.length).toBe(m * n);
      let worst = 0;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let exact = 0;
          let size = 0;
          for (let d = 0; d < k; d++) {
            exact += a[i * k + d]! * b[d * n + j]!;
            size += Math.abs(a[i * k + d]! * b[d * n + j]!);
          }
          const allowed = (k + 1) * 2 ** -24 * size;
          worst = Math.max(worst, Math.abs(product[i * n + j]! - exact) / allowed);
          worst = Math.max(worst, Math.abs(other[i * n + j]! - exact) / allowed);
        }
      }
      expect(worst).toBeLessThanOrEqual(1);
    });

    test("small integers exactly", () => {
      const a = Float32Array.from({ length: 12 * 20 }, (_, i) => (i % 7) - 3);
      const identity = Float32Array.from({ length: 400 }, (_, i) => (i % 21 === 0 ? 1 : 0));
      expect(engine.matmul(a, identity, 12, 20, 20)).toEqual(a);
      expect(engine.matmulT(a, identity, 12, 20, 20)).toEqual(a);
    });

    test("without changing its operands, into memory of the caller's own", () => {
      const a = Float32Array.of(1, 2, 3, 4);
      const b = Float32Array.of(5, 6, 7, 8);
      const first = engine.matmul(a, b, 2, 2, 2);
      engine.matmul(b, a, 2, 2, 2);
      expect([...first]).toEqual([19, 22, 43, 50]);
      expect([...a]).toEqual([1, 2, 3, 4]);
      expect([...b]).toEqual([5, 6, 7, 8]);
    });

    test("the same operands to the same bits", () => {
      const random = prng("again");
      const a = Float32Array.from({ length: 90 * 700 }, () => random.normal());
      expect(engine.matmulT(a, a, 90, 700, 90)).toEqual(engine.matmulT(a, a, 90, 700, 90));
    });

    test("empty operands: empty results, and zeros for empty sums", () => {
      expect(engine.matmul(new Float32Array(0), new Float32Array(6), 0, 2, 3).length).toBe(0);
      expect([...engine.matmul(new Float32Array(0), new Float32Array(0), 2, 0, 2)]).toEqual([0, 0, 0, 0]);
      expect([...engine.matmulT(new Float32Array(0), new Float32Array(0), 1, 0, 2)]).toEqual([0, 0]);
    });

    test("NaN and infinity through to their own rows only", () => {
      const a = Float32Array.of(Number.NaN, 1, 2, 3, Number.POSITIVE_INFINITY, 1);
      const product = engine.matmul(a, Float32Array.of(1, 2, 3, 4), 3, 2, 2);
      expect([...product]).toEqual([
        Number.NaN,
        Number.NaN,
        11,
        16,
        Number.POSITIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      ]);
    });

    test("nothing when lengths and shape disagree", () => {
      const six = new Float32Array(6);
      expect(() => engine.matmul(six, six, 2, 2, 3)).toThrow("no product");
      expect(() => engine.matmulT(six, six, 2, 3, 3)).toThrow("no product");
    });
  });
}
