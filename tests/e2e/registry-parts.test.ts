import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorReport, IdentifyReport, InspectReport, RegistryReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { changed, renamed, type TinyModel, tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const server = startCommandServer();
const HOSTILE = "evil\u001b[2J\u202e=\r";
let vision = "";

/** A tower of the names that encoders have, out of the layers of a tiny model. */
function tower(seed: number, prefix: string): TinyModel {
  const layers = [...tinyModel(seed)].filter(([name]) => name.includes(".layers."));
  return renamed(new Map(layers), (name) => name.replace("model.layers", `${prefix}.encoder.layers`));
}

const multimodal = (seed: number, encoder: number) =>
  new Map([...tinyModel(seed), ...tower(encoder, "vision_tower.vision_model")]);

async function json<T>(schema: string, args: readonly string[], exitCode = 0): Promise<T> {
  const result = await server.run([...args, "--json"], root);
  expect(result, result.stderr).toMatchObject({ exitCode });
  return requireValid<T>(schema, JSON.parse(exitCode === 0 ? result.stdout : result.stderr));
}

const registry = (name: string, ...args: string[]) =>
  json<RegistryReport>("registry@1", ["registry", ...args, "--registry", name]);

async function refusal(name: string, args: readonly string[], exitCode: number) {
  const report = await json<ErrorReport>("error@1", ["registry", ...args, "--registry", name], exitCode);
  return report.error;
}

afterAll(() => server.stop());

beforeAll(async () => {
  writeModel(join(root, "encoder"), tower(7, "vision_model"));
  writeModel(join(root, "first"), multimodal(1, 7));
  writeModel(join(root, "second"), multimodal(2, 8));
  writeModel(join(root, "tuned"), changed(multimodal(1, 7), 3, 0.2));
  const { components } = await json<InspectReport>("inspect@1", ["inspect", "second"]);
  vision = components.map(({ component }) => component).find((component) => component.startsWith("vision"))!;
});

describe("registry add --part-of", () => {
  it("records what the user says of a component, and shows it", async () => {
    const { changes } = await registry("said", "add", "encoder", "--name", HOSTILE, "--root");
    const of = changes![0]!.entry.digest;
    const args = ["add", "second", "--root", "--part-of", `${vision}=${HOSTILE}`];
    const added = await registry("said", ...args);
    const parts = [{ component: vision, of, name: HOSTILE }];
    expect(added.changes).toMatchObject([{ status: "added", entry: { root: true, parts }, notes: [] }]);
    expect((await registry("said", ...args)).changes).toMatchObject([{ status: "unchanged" }]);
    expect((await registry("said", "add", "second")).changes).toMatchObject([
      { status: "unchanged", entry: { parts } },
    ]);
    expect((await registry("said", "show", "second")).entries).toMatchObject([{ parts }]);
    const shown = await server.run(["registry", "show", "second", "--registry", "said"], root);
    expect(shown.stdout).toMatch(
      /^part +vision\S* comes from evil\\u\{1b\}\[2J\\u\{202e\}=\\u\{d\} \([0-9a-f]{16}\)$/m,
    );
    const listed = await server.run(["registry", "list", "--registry", "said"], root);
    expect(listed.stdout).toMatch(/second +root, 1 part /);
    for (const char of ["\u001b", "\u202e", "\r"]) expect(shown.stdout + listed.stdout).not.toContain(char);
    await registry("said", "remove", HOSTILE);
    expect((await registry("said", "show", "second")).entries).toMatchObject([{ parts: [{ of, name: null }] }]);
  });

  it("refuses components and entries that are not there, and says which components are", async () => {
    await registry("refused", "add", "encoder");
    const add = (...more: string[]) => ["add", "second", ...more];
    const unknown = await refusal("refused", add("--part-of", "audio=encoder"), 3);
    expect(unknown).toMatchObject({ code: "COMPONENT_UNKNOWN", detail: expect.stringContaining(vision) });
    expect((await refusal("refused", add("--part-of", `${vision}=nobody`), 3)).code).toBe("REGISTRY_ENTRY_UNKNOWN");
    for (const wrong of ["vision", "=encoder", `${vision}=`, ""]) {
      expect((await refusal("refused", add("--part-of", wrong), 2)).code, wrong).toBe("USAGE");
    }
    const several = ["add", "second", "first", "--part-of", `${vision}=encoder`];
    expect((await refusal("refused", several, 2)).code).toBe("USAGE");
    const { entries } = await registry("refused", "list");
    expect(entries).toHaveLength(1);
    await registry("refused", "add", "second");
    expect((await refusal("refused", add("--part-of", `${vision}=second`), 2)).code).toBe("USAGE");
    await registry("refused", "add", "first");
    const twice = ["--part-of", `${vision}=encoder`, "--part-of", `${vision}=first`];
    expect((await refusal("refused", add(...twice), 2)).code).toBe("USAGE");
    await registry("refused", ...add("--part-of", `${vision}=encoder`));
    const moved = add("--part-of", `${vision}=first`);
    expect((await refusal("refused", moved, 3)).code).toBe("REGISTRY_CONFLICT");
    expect((await registry("refused", ...moved, "--replace")).changes).toMatchObject([{ status: "replaced" }]);
  });
});

describe("registry add", () => {
  it("records a component that a registered model has too, and says so", async () => {
    const { changes } = await registry("found", "add", "encoder", "--root");
    const of = changes![0]!.entry.digest;
    const added = await registry("found", "add", "first", "second", "--root");
    const parts = [{ component: expect.stringMatching(/^vision/), of, name: "encoder" }];
    expect(added.changes).toMatchObject([
      { entry: { name: "first", parts }, notes: [expect.stringMatching(/holds the same weights as encoder/)] },
      { entry: { name: "second", parts: [] }, notes: [] },
    ]);
    const text = await server.run(["registry", "add", "first", "--registry", "found"], root);
    expect(text).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^unchanged .*first +root, 1 part/) });
    const report = await json<IdentifyReport>("identify@1", ["identify", "tuned", "--registry", "found"]);
    expect(report).toMatchObject({ verdict: "derived", registry: { entries: 3 } });
  });

  it("does not take the smaller model for a part of the larger, and says what to do", async () => {
    await registry("later", "add", "first", "--root");
    const { changes } = await registry("later", "add", "encoder", "--root");
    expect(changes).toMatchObject([{ entry: { parts: [] }, notes: [expect.stringMatching(/first holds all of it/)] }]);
    const again = await registry("later", "add", "first");
    expect(again.changes).toMatchObject([{ status: "replaced", entry: { root: true, parts: [{ name: "encoder" }] } }]);
  });

  it("says when nothing of a model can be tested", async () => {
    const flat = new Map(
      [...tinyModel(1)].map(([name, { shape, values }]) => [name, { shape, values: values.fill(1) }]),
    );
    writeModel(join(root, "flat"), flat);
    const { changes } = await registry("hopeless", "add", "flat");
    expect(changes).toMatchObject([{ notes: [expect.stringMatching(/^nothing of it can be tested.*constant/)] }]);
    const adapter = tinyModel(1);
    writeModel(
      join(root, "adapter"),
      renamed(adapter, (name) => `base_model.model.${name.replace(".weight", ".lora_A.weight")}`),
    );
    const text = await server.run(["registry", "add", "adapter", "--registry", "hopeless"], root);
    expect(text.stdout).toMatch(/^ {2}- nothing of it can be tested/m);
    expect(text.stdout).toMatch(
      /^ {2}- 20 of 20 tensors are those of an adapter \(lora\).*merge it into its base first/m,
    );
  });
});
