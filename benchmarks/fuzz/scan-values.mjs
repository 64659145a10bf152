import { hostileText } from "./hostile.mjs";

const ROOT = "ab".repeat(32);

export const PARAMETERS = {
  inputs: ["/models"],
  include: [],
  exclude: [],
  depth: "sampled",
  registry: null,
  keys: [],
  maxBytes: null,
  timeout: null,
  version: "0.0.0",
};

const LOCATIONS = [
  "/models/a",
  "hf:acme/base@main",
  "https://models.example/a.safetensors?sig=secret",
  "./a",
  "C:\\models\\a",
];

/** What a scan might have found of a model whose publisher chose every name in it. */
export function someItem(random) {
  const text = () => (random.chance(0.3) ? hostileText(random) : random.pick(["acme/base", "base-a", "model"]));
  const maybe = (value) => (random.chance(0.3) ? null : value);
  const verdict = random.pick(["identical", "recast", "derived", "shared-init", "no-evidence", "inconclusive"]);
  const match = () => ({
    name: text(),
    verdict,
    direction: random.pick(["suspect-from-base", "base-from-suspect", "siblings", "not-established"]),
    relations: random.chance(0.5) ? ["lora"] : [text()],
    log10P: random.pick([null, -123.4, 0, -1e308, 1e-320]),
    matchedLayers: random.below(5),
    ...(random.chance(0.2) ? { claim: text() } : {}),
  });
  const mark = () => ({
    keyId: text(),
    level: text(),
    present: random.chance(0.5),
    log2P: -200.5,
    payload: maybe(text()),
  });
  const status = random.pick(["done", "done", "duplicate", "skipped", "failed"]);
  return {
    id: text(),
    name: text(),
    location: random.chance(0.7) ? random.pick(LOCATIONS) : text(),
    revision: maybe(text()),
    content: maybe(ROOT),
    ...(random.chance(0.3) ? { notes: [text()] } : {}),
    status,
    duplicateOf: status === "duplicate" ? text() : null,
    failure:
      status === "failed" || status === "skipped"
        ? { code: "ST_OVERLAP", message: text(), detail: maybe(text()), passing: random.chance(0.3) }
        : null,
    verdict: status === "done" ? verdict : null,
    summary: maybe(text()),
    matches: Array.from({ length: random.small(3) }, match),
    caveats: random.chance(0.3) ? [text()] : [],
    marks: Array.from({ length: random.small(2) }, mark),
    sampledRoot: maybe(ROOT),
    family: maybe(text()),
    parameters: random.pick([null, 0, 1000, 2 ** 53 - 1]),
    cached: random.chance(0.5),
    bytesRead: 100,
    bytesTotal: random.pick([null, 200, 2 ** 53 - 1]),
    requests: { api: 0, resolve: 0, storage: 0 },
    elapsedMs: maybe(12.5),
    finishedAt: maybe(random.chance(0.8) ? "2026-01-02T03:04:05.000Z" : text()),
  };
}
