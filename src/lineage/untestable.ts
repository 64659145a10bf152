import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { stackedLayers } from "./stacked-layers.ts";
import { testableParts } from "./testable.ts";

/** What adapters are called in a sentence. */
const KINDS: Readonly<Record<string, string>> = {
  lora: "LoRA",
  dora: "DoRA",
  loha: "LoHa",
  lokr: "LoKr",
  ia3: "IA3",
  oft: "OFT",
  vera: "VeRA",
  prompt: "prompt",
};

const WHOLE = /^(?:[IU](?:8|16|32|64)|BOOL)$/;
const CODES = /^(?:[IU](?:8|16|32)|F4|F4_.*|F6_.*)$/;

/** Why no part of a model can be tested, with what to do about it; null where some part can. */
export function untestableReason(fingerprint: Fingerprint): string | null {
  const { tensors, sketches, adapter, parameters } = fingerprint;
  if (testableParts(fingerprint).some(({ testable }) => testable)) return null;
  if (adapter !== null) {
    const { kind, tensors: own, ofTensors, base } = adapter;
    const named = base === null ? "" : ` of ${base} by its adapter_config.json`;
    const what = KINDS[kind] === undefined ? "adapter" : `${KINDS[kind]} adapter`;
    return `${/^[AEIOUaeiou]/.test(what) ? "an" : "a"} ${what}${named} (${own} of ${ofTensors} tensors): merge it into its base first, or name both, adapter+base`;
  }
  if (tensors.length === 0) return "no tensors: nothing was saved";
  if (parameters === 0) {
    return "all tensors are empty, as a partitioned (ZeRO-3) training leaves them: gather the weights before they are saved";
  }
  if (tensors.every(({ values }) => values === null)) return "nothing of it was read";
  if (tensors.every(({ values, uniform }) => values === null || uniform)) {
    return "every tensor is constant (zeros, or one value, or NaN), a count (0, 1, 2 ...) or a mask: the weights were lost or never saved";
  }
  const telling = tensors.filter(({ values, uniform }) => values !== null && !uniform);
  if (telling.every(({ dtype }) => WHOLE.test(dtype))) {
    const types = [...new Set(telling.map(({ dtype }) => dtype))].sort().join(", ");
    const beside = tensors.every(({ dtype }) => WHOLE.test(dtype)) ? "" : " beside constants";
    return `holds only whole numbers (${types})${beside}: quantisation codes or indices, which say nothing by themselves: dequantise the model first, if they are codes`;
  }
  const codes = tensors.filter(({ dtype }) => CODES.test(dtype)).length;
  if (codes > 0) {
    return `${codes} of ${tensors.length} tensors are quantisation codes, which say nothing by themselves: dequantise the model first`;
  }
  if (tensors.every(({ shape }) => shape.every((n) => n === 1))) {
    return `only single numbers (${tensors.length} of them), which carry no labels that could be tested`;
  }
  const stacked = stackedLayers(fingerprint);
  if (stacked !== null) return stacked;
  if (sketches.length === 0) {
    const but = tensors.some(({ dtype, shape }) => WHOLE.test(dtype) && shape.length > 1)
      ? " but of whole numbers"
      : "";
    return `no matrices${but}, only vectors: norms and biases carry no labels that could be tested`;
  }
  if (sketches.every(({ valid }) => !valid.some(Boolean))) {
    return "every sampled row of every matrix is constant or not finite: the weights were damaged";
  }
  const reasons = [...new Set(testableParts(fingerprint).map(({ component, reason }) => `${component}: ${reason}`))];
  return reasons.slice(0, 4).join("; ");
}
