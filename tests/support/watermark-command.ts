import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { prng } from "../../src/numerics/prng.ts";
import type { ErrorReport } from "../../src/report/schemas/index.ts";
import { type CapturedOutput, capturedOutput } from "./captured-output.ts";
import { type Model, randomModel } from "./random-model.ts";
import { requireValid } from "./schemas.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { gaussianLlama } from "./spread-model.ts";
import { fileOf } from "./stored-model.ts";

/** What config.json says of a model where a test says nothing else. */
export const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  num_hidden_layers: 2,
};

/** A model this small needs ten times the default strength to carry 32 bits. */
export const RHO = ["--rho", "0.02"];
export const THREADS = ["--threads", "0"];

/** The shape of a public base and of what was tuned from it. */
const DERIVED = { width: 256, hidden: 384, layers: 2, vocabulary: 64, tied: true } as const;

function lightlyTuned(base: Model): Model {
  const random = prng("light fine-tune");
  return new Map(
    [...base].map(([name, tensor]) => [
      name,
      tensor.shape.length === 2 && name.includes("layers")
        ? { ...tensor, values: tensor.values.map((x) => x + 2e-3 * random.normal()) }
        : tensor,
    ]),
  );
}

interface WatermarkCommand {
  /** A path in a directory of the calling test file's own. */
  at(...path: string[]): string;
  /** What the command wrote when it was called last. */
  readonly output: CapturedOutput;
  /** The directory of a model without a mark. Beside it lie a `base` and what was `tuned` from it. */
  readonly model: string;
  /** The option that names the key of all marks. */
  readonly KEY: readonly string[];
  /** Writes a file of weights as a model; its path. */
  store(name: string, file: Uint8Array, config?: Readonly<Record<string, unknown>>): string;
  generateKey(name: string): Promise<void>;
  /** Writes the model with the mark of v1.0 to `marked`, and its sketch beside it. */
  markModel(): Promise<void>;
  /** What `weightmark watermark ...args` prints. */
  text(args: readonly string[], exitCode?: number): Promise<string>;
  report<T>(schema: string, args: readonly string[], exitCode?: number): Promise<T>;
  failure(args: readonly string[], exitCode: number): Promise<ErrorReport["error"]>;
  /** Arguments that mark a model with the key. */
  embed(model: string, to: string, ...more: string[]): string[];
  /** Arguments that look for the key's mark. */
  verify(model: string, ...more: string[]): string[];
}

/** The command in the tests' own process, with a key and models in a directory that is removed after the calling file's tests. */
export function watermarkCommand(): WatermarkCommand {
  const root = scratchDirectory();
  const at = (...path: string[]): string => join(root, ...path);
  const output = capturedOutput();
  const model = at("model");
  const KEY = ["--key", at("key")];

  function store(name: string, file: Uint8Array, config: Readonly<Record<string, unknown>> = CONFIG): string {
    mkdirSync(at(name), { recursive: true });
    writeFileSync(at(name, "model.safetensors"), file);
    writeFileSync(at(name, "config.json"), JSON.stringify(config));
    return at(name);
  }

  /** Runs the command before the tests, when nobody captures yet what it writes. */
  async function prepare(...args: string[]): Promise<void> {
    const silent = vi.spyOn(process.stdout, "write").mockImplementation((...call: unknown[]) => {
      const done = call.at(-1);
      if (typeof done === "function") done();
      return true;
    });
    expect(await runCommandLine(args)).toBe(0);
    silent.mockRestore();
  }

  const generateKey = (name: string) => prepare("key", "generate", "-o", at(name), "--no-passphrase");

  async function text(args: readonly string[], exitCode = 0): Promise<string> {
    [output.stdout, output.stderr] = ["", ""];
    expect(await runCommandLine(["watermark", ...args, "--no-progress"]), output.stderr).toBe(exitCode);
    return output.stdout;
  }

  async function report<T>(schema: string, args: readonly string[], exitCode = 0): Promise<T> {
    return requireValid<T>(schema, JSON.parse(await text([...args, "--json"], exitCode)));
  }

  async function failure(args: readonly string[], exitCode: number): Promise<ErrorReport["error"]> {
    expect(await text([...args, "--json"], exitCode)).toBe("");
    return requireValid<ErrorReport>("error@1", JSON.parse(output.stderr)).error;
  }

  const embed = (from: string, to: string, ...more: string[]): string[] => [
    "embed",
    from,
    "-o",
    at(to),
    ...KEY,
    ...THREADS,
    ...more,
  ];
  const verify = (suspect: string, ...more: string[]): string[] => ["verify", suspect, ...KEY, ...THREADS, ...more];
  const markModel = () =>
    prepare("watermark", ...embed(model, "marked", "--payload", "text:v1.0", ...RHO, "--no-progress"));

  beforeAll(async () => {
    vi.stubEnv("WEIGHTMARK_REGISTRY", at("nowhere"));
    await generateKey("key");
    store("model", fileOf(gaussianLlama(1, { layers: 2 })));
    const base = randomModel({ init: 1 }, DERIVED);
    store("base", fileOf(base), {});
    store("tuned", fileOf(lightlyTuned(base)), {});
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  return { at, output, model, KEY, store, generateKey, markModel, text, report, failure, embed, verify };
}
