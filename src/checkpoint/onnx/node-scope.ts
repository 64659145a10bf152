import type { OnnxNode } from "../../formats/onnx/onnx-model.ts";

/** Names in a list as Python writes it. */
const QUOTED = /'([^']*)'|"([^"]*)"/g;

/**
 * The module that a node belongs to, by what torch's exporters say of it: "model.layers.0.self_attn.q_proj"; null where nobody
 * says. The older one calls a node "/model/layers.0/self_attn/q_proj/MatMul", the newer one lists the modules that it lies in.
 */
export function moduleOf({ name, scopes }: OnnxNode): string | null {
  if (scopes !== null) {
    const names = [...scopes.matchAll(QUOTED)].map(([, single, double]) => single ?? double ?? "");
    // The last is the call itself.
    const module = names.at(-2);
    if (module !== undefined && module !== "") return module;
  }
  if (!name.startsWith("/")) return null;
  const parts = name.slice(1).split("/");
  return parts.length < 2 || parts.includes("") ? null : parts.slice(0, -1).join(".");
}
