import type { DenseEngine, EngineStatus } from "./dense-engine.ts";
import { tfjsEngine } from "./tfjs-engine.ts";
import { wasmEngine } from "./wasm-engine.ts";

/** Every engine with its status, the default first. Loads what is installed: for `doctor` and the tests. */
export function engines(): readonly EngineStatus[] {
  const wasm: DenseEngine = wasmEngine();
  return [{ name: wasm.name, engine: wasm, reason: null }, tfjsEngine()];
}
