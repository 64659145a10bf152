import type { Role } from "./anatomy.ts";
import type { Layer } from "./layer.ts";
import type { Use } from "./layer-table.ts";
import type { TensorName } from "./name.ts";

const ATTENTION = new Set(["attn", "attention", "selfattn", "selfattention", "sa", "mha", "att", "mixer"]);
const CROSS = new Set(["cross", "crossattn", "crossattention", "xattn", "encdec"]);
const FEED_FORWARD = new Set([
  "mlp",
  "ffn",
  "ff",
  "ffw",
  "feed",
  "feedforward",
  "forward",
  "dense",
  "expert",
  "experts",
]);
const NORM = new Set(["norm", "ln", "layernorm", "rmsnorm", "rms", "lnorm", "layrnorm", "scale"]);

const ANYWHERE = new Map<string, Use>([
  ["wq", "q"],
  ["query", "q"],
  ["queries", "q"],
  ["q", "q"],
  ["wk", "k"],
  ["key", "k"],
  ["keys", "k"],
  ["k", "k"],
  ["wv", "v"],
  ["value", "v"],
  ["values", "v"],
  ["v", "v"],
  ["qkv", "contiguous"],
  ["wqkv", "contiguous"],
]);

const IN_ATTENTION = new Map<string, Use>([
  ["wo", "o"],
  ["o", "o"],
  ["out", "o"],
  ["output", "o"],
  ["proj", "o"],
  ["projection", "o"],
  ["dense", "o"],
]);

const IN_FEED_FORWARD = new Map<string, Use>([
  ["gate", "gate"],
  ["wg", "gate"],
  ["w1", "up"],
  ["w3", "up"],
  ["up", "up"],
  ["wi", "up"],
  ["fc1", "up"],
  ["lin1", "up"],
  ["linear1", "up"],
  ["expand", "up"],
  ["in", "up"],
  ["down", "down"],
  ["w2", "down"],
  ["fc2", "down"],
  ["lin2", "down"],
  ["linear2", "down"],
  ["contract", "down"],
  ["wo", "down"],
  ["out", "down"],
  ["output", "down"],
]);

/** Feed-forward words that mean it without a word for the network around them. */
const UNMISTAKABLE = new Set(["gate", "up", "down", "fc1", "fc2", "w1", "w2", "w3"]);

const CROSS_ROLES = new Map<Use, Use>([
  ["q", "cross_q"],
  ["k", "cross_k"],
  ["v", "cross_v"],
  ["o", "cross_o"],
]);

/** Lower-case words of a path: `selfAttention.q_proj` gives self, attention, q, proj. */
export function wordsOf(path: string): readonly string[] {
  return path
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/** What the words of an unknown path inside a layer say; undefined when they say nothing. A guess: shapes must confirm it. */
export function useFromWords({ stem, expert }: TensorName, layer: Layer): Use | undefined {
  const words = wordsOf(stem);
  const attention = words.some((word) => ATTENTION.has(word));
  const feedForward = !attention && words.some((word) => FEED_FORWARD.has(word));
  const cross = words.some((word) => CROSS.has(word));
  for (let i = words.length - 1; i >= 0; i--) {
    const word = words[i] as string;
    if (word === "router") return "router";
    let use = feedForward ? undefined : ANYWHERE.get(word);
    if (use === undefined && (attention || cross)) use = IN_ATTENTION.get(word);
    if (use === undefined && (feedForward || (!attention && UNMISTAKABLE.has(word)))) use = IN_FEED_FORWARD.get(word);
    if (use === undefined) continue;
    if (word === "w1" && layer.weights.has(replaceLast(stem, "w1", "w3"))) return "gate";
    if (word === "gate" && expert < 0) return "gate or router";
    return cross ? (CROSS_ROLES.get(use) ?? use) : use;
  }
  return undefined;
}

/** Which sublayer an unknown norm stands before, by its words; undefined when they do not tell. */
export function normSlotFromWords(stem: string): "attention" | "feed-forward" | undefined {
  const words = wordsOf(stem.replace(/([a-z])([0-9])$/, "$1 $2"));
  if (!words.some((word) => NORM.has(word))) return undefined;
  if (words.some((word) => FEED_FORWARD.has(word))) return "feed-forward";
  if (words.some((word) => ATTENTION.has(word))) return "attention";
  if (words.some((word) => ["2", "post", "second", "b"].includes(word))) return "feed-forward";
  return words.some((word) => ["1", "pre", "input", "in", "first", "a"].includes(word)) ? "attention" : undefined;
}

export function isNormByWords(stem: string): boolean {
  return wordsOf(stem.replace(/([a-z])([0-9])$/, "$1 $2")).some((word) => NORM.has(word));
}

const OUTER: readonly (readonly [Role, ReadonlySet<string>])[] = [
  ["position", new Set(["pos", "position", "positions", "positional", "wpe"])],
  ["head", new Set(["head", "unembed", "unembedding", "logits", "output", "out", "classifier"])],
  ["patch", new Set(["patch", "patches"])],
  [
    "embed",
    new Set(["embed", "embedding", "embeddings", "embedder", "emb", "embd", "wte", "vocab", "tok", "token", "tokens"]),
  ],
];

/** The role of an unknown matrix outside the layers by its words. */
export function outerRoleFromWords(stem: string): Role | undefined {
  const words = wordsOf(stem);
  return OUTER.find(([, known]) => words.some((word) => known.has(word)))?.[0];
}

function replaceLast(text: string, from: string, to: string): string {
  const at = text.lastIndexOf(from);
  return at < 0 ? text : text.slice(0, at) + to + text.slice(at + from.length);
}
