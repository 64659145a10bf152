import type { EngineStatus } from "./dense-engine.ts";
import { probe } from "./probe.ts";
import { tfjsEngine } from "./tfjs-engine.ts";
import { wasmEngine } from "./wasm-engine.ts";

/** Every engine with its status, the default first. Loads what is installed and tries it: for `doctor` and the tests. */
export function engines(): readonly EngineStatus[] {
  return [tried(), tfjsEngine()];
}

/** Ours is always installed, but not every machine has room for its memory, nor every Node WebAssembly. */
function tried(): EngineStatus {
  const engine = wasmEngine();
  const { name } = engine;
  try {
    const reason = probe(engine);
    return reason === null ? { name, engine, reason } : { name, engine: null, reason };
  } catch (error) {
    return { name, engine: null, reason: (error as Error).message };
  }
}
