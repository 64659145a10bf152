import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("kernels.wasm is what src/kernels/assembly compiles to", async () => {
  const script = new URL("../../../scripts/build-kernels.mjs", import.meta.url).href;
  const { compileKernels } = (await import(script)) as { compileKernels: () => Promise<Buffer> };
  const committed = readFileSync(new URL("../../../src/kernels/kernels.wasm", import.meta.url));
  expect((await compileKernels()).equals(committed)).toBe(true);
});

test("the kernels import nothing and use no relaxed SIMD", () => {
  const wasm = readFileSync(new URL("../../../src/kernels/kernels.wasm", import.meta.url));
  const { Module } = (globalThis as unknown as { WebAssembly: { Module: ModuleApi } }).WebAssembly;
  expect(Module.imports(new Module(wasm))).toEqual([]);
  // Relaxed instructions are 0xfd 0x80 0x02 to 0xfd 0x93 0x02 in the binary encoding.
  const relaxed = [...wasm.keys()].filter(
    (i) => wasm[i] === 0xfd && wasm[i + 1]! >= 0x80 && wasm[i + 1]! <= 0x93 && wasm[i + 2] === 0x02,
  );
  expect(relaxed).toEqual([]);
});

interface ModuleApi {
  new (bytes: Uint8Array): object;
  imports(module: object): unknown[];
}
