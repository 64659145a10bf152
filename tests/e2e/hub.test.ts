import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { fingerprintCheckpoint } from "../../src/fingerprint/extract.ts";
import { serializeFingerprint } from "../../src/fingerprint/file.ts";
import type { ErrorReport, IdentifyReport, InspectReport, RegistryReport } from "../../src/report/schemas/index.ts";
import { runCommand } from "../support/command.ts";
import { type Hub, startHub } from "../support/hub/hub.mjs";
import { NOWHERE } from "../support/nowhere.ts";
import { requireValid } from "../support/schemas.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const REGISTRY = ["--registry", join(EXAMPLES, "registry")];

let hub: Hub;
beforeAll(async () => {
  const access = new Map([["acme/leaked", { private: true }]]);
  const tokens = new Map([["hf_secret", new Set(["acme/leaked"])]]);
  hub = await startHub({ repositories: join(EXAMPLES, "models"), owner: "acme", access, tokens });
});
afterAll(() => hub.close());

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = EXAMPLES) {
  const nobody = { HF_HOME: NOWHERE, HF_HUB_CACHE: "", HUGGINGFACE_HUB_CACHE: "", HF_TOKEN: "" };
  return runCommand([...args, "--no-progress"], { cwd, env: { ...nobody, HF_ENDPOINT: hub.endpoint, ...env } });
}

async function identified(model: string): Promise<IdentifyReport> {
  const result = await run(["identify", model, ...REGISTRY, "--json", "--deterministic"]);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return requireValid<IdentifyReport>("identify@1", JSON.parse(result.stdout));
}

describe("a model on the Hub", () => {
  it("has the answer that it has on this machine", async () => {
    const before = { ...hub.counters };
    const far = await identified("hf:acme/renamed-lora");
    const commit = await hub.commitOf("acme/renamed-lora");
    expect(hub.counters.api - before.api).toBe(2);
    expect(hub.counters.resolve - before.resolve).toBe(1);
    const near = await identified("models/renamed-lora");
    expect(far.verdict).toBe("derived");
    expect(far.inputs.suspect).toMatchObject({ location: `hf:acme/renamed-lora@${commit}`, revision: commit });
    const { location, revision, bytesRead } = near.inputs.suspect;
    const called = JSON.stringify({
      ...far,
      inputs: { suspect: { ...far.inputs.suspect, location, revision, bytesRead } },
    });
    expect(JSON.parse(called.replaceAll(`acme/renamed-lora@${commit.slice(0, 7)}`, "renamed-lora"))).toEqual(near);
  });

  it("has the same fingerprint, to the byte, in a file of its name", async () => {
    const directory = temporaryDirectory();
    const far = await run(["fingerprint", "hf:acme/base-a"], {}, directory);
    expect(far, far.stderr).toMatchObject({ exitCode: 0 });
    expect(readdirSync(directory)).toEqual(["acme--base-a.fingerprint.safetensors"]);
    const bytes = readFileSync(join(directory, "acme--base-a.fingerprint.safetensors"));
    const checkpoint = await openCheckpoint(join(EXAMPLES, "models/base-a"));
    const near = serializeFingerprint(await fingerprintCheckpoint(checkpoint, { depth: "sampled" }));
    await checkpoint.close();
    expect(bytes.equals(near)).toBe(true);
  });

  it("that is private is read with a token that nobody else sees", async () => {
    const token = join(temporaryDirectory(), "token");
    writeFileSync(token, "hf_secret\n");
    const refused = await run(["inspect", "hf:acme/leaked", "--json"]);
    expect(refused).toMatchObject({ exitCode: 3, stdout: "" });
    const { error } = requireValid<ErrorReport>("error@1", JSON.parse(refused.stderr));
    expect(error).toMatchObject({ code: "HUB_REPOSITORY_NOT_FOUND", file: "hf:acme/leaked" });
    const { exitCode, stdout, stderr } = await run(["inspect", "hf:acme/leaked", "-v"], { HF_TOKEN_PATH: token });
    expect(exitCode, stderr).toBe(0);
    expect(stdout + stderr).not.toContain("secret");
    expect(hub.counters.leakedTokens).toBe(0);
  });

  it("is inspected as it is on this machine, a few values of each tensor included", async () => {
    const reports = await Promise.all(
      ["hf:acme/base-a", "models/base-a"].map(async (model) => {
        const { exitCode, stdout, stderr } = await run(["inspect", model, "--json", "--deterministic"]);
        expect(exitCode, stderr).toBe(0);
        return requireValid<InspectReport>("inspect@1", JSON.parse(stdout));
      }),
    );
    const [far, near] = reports.map(({ inputs: _, ...rest }) => rest);
    expect(far).toEqual(near);
    expect(far!.values!.tensors).toBe(far!.values!.ofTensors);
    expect(far!.values!.tensors).toBeGreaterThan(10);
    const { bytesRead, bytesTotal } = reports[0]!.inputs.model;
    expect(Number(bytesRead)).toBeLessThan(Number(bytesTotal));
  });

  it("is registered from where it lies, and called by repository and commit or by the end of its address", async () => {
    const registry = join(temporaryDirectory(), "bases");
    const address = `${hub.endpoint}/acme/renamed-lora/resolve/main/model.safetensors`;
    const added = await run(["registry", "add", "hf:acme/base-a", address, "--registry", registry, "--json"]);
    expect(added, added.stderr).toMatchObject({ exitCode: 0 });
    const { changes } = requireValid<RegistryReport>("registry@1", JSON.parse(added.stdout));
    const commit = (await hub.commitOf("acme/base-a")).slice(0, 7);
    expect(changes!.map(({ entry }) => entry.name)).toEqual([`acme/base-a@${commit}`, "model.safetensors"]);
    const models = ["models/base-a", "models/renamed-lora"];
    const near = await run(["registry", "add", ...models, "--registry", `${registry}2`, "--json"]);
    const digests = ({ stdout }: { stdout: string }) =>
      requireValid<RegistryReport>("registry@1", JSON.parse(stdout)).changes!.map(({ entry }) => entry.digest);
    expect(digests(added)).toEqual(digests(near));
  });

  it("is not looked for when offline", async () => {
    const { exitCode, stderr } = await run(["inspect", "hf:acme/base-a", "--offline"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining("(OFFLINE)") });
  });
});
