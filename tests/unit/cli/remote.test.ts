import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, test, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import { pathRedactor } from "../../../src/cli/redact.ts";
import { atRevision, isAddress, shownLocation } from "../../../src/cli/remote.ts";
import { requireOtherFile } from "../../../src/cli/session.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { subjectName } from "../../../src/lineage/subject-name.ts";
import type { ErrorReport, InspectReport } from "../../../src/report/schemas/index.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { hubOf } from "../../support/hub-remote.ts";
import { NOWHERE } from "../../support/nowhere.ts";
import { requireValid } from "../../support/schemas.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { changed, modelBytes, tinyModel } from "../../support/tiny-model.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const output = capturedOutput();

test.each([
  ["hf:acme/base", "acme/base"],
  ["hf:acme/base@main", "acme/base@main"],
  [`hf:acme/base@${COMMIT}`, "acme/base@0123456"],
  [`hf:acme/base@${COMMIT}/unet`, "acme/base@0123456/unet"],
  ["https://host/a/model.safetensors?sig=SECRET#x", "model.safetensors"],
])("%s is called %s", (location, name) => {
  expect(subjectName(location)).toBe(name);
});

describe("addresses on the command line", () => {
  it("are told from paths, and shown without their query", () => {
    for (const address of ["hf:a/b", "https://x/y", "HTTP://x/y"]) expect(isAddress(address)).toBe(true);
    for (const path of ["a/b", "./hf:a/b", "HF:a/b", "s3://x"]) expect(isAddress(path)).toBe(false);
    expect(shownLocation("https://u:SECRET@host/a?sig=SECRET")).toBe("https://host/a");
    expect(shownLocation("https://[SECRET")).toBe("the address");
    expect(shownLocation("a?b")).toBe("a?b");
  });

  it("take --revision where one is open", () => {
    expect(atRevision(["hf:a/b"], { revision: "v1" })).toEqual(["hf:a/b@v1"]);
    expect(atRevision(["hf:a/b/sub", "x"], { revision: "refs/pr/1" })).toEqual(["hf:a/b@refs%2Fpr%2F1/sub", "x"]);
    expect(atRevision(["hf:a/b@main"], {})).toEqual(["hf:a/b@main"]);
    for (const models of [["x"], ["hf:a/b@main"], ["https://x/y"], ["hf:a/b", "hf:c/d"]]) {
      expect(() => atRevision(models, { revision: "v1" })).toThrow(WeightmarkError);
    }
  });

  it("are no paths to redact or to overwrite", () => {
    expect(pathRedactor(["hf:acme/base", "https://host/a/b", "/data/x"])("hf:acme/base https://host/a/b /data/x")).toBe(
      "hf:acme/base https://host/a/b x",
    );
    expect(() => requireOtherFile("hf:acme/base", ["hf:acme/base"])).not.toThrow();
  });
});

describe("commands on models of the Hub", () => {
  const base = tinyModel(1);
  const files = { "model.safetensors": modelBytes(base) };
  beforeEach(() => {
    for (const name of [
      "HF_TOKEN",
      "HUGGING_FACE_HUB_TOKEN",
      "HF_HUB_CACHE",
      "HUGGINGFACE_HUB_CACHE",
      "HF_TOKEN_PATH",
    ]) {
      vi.stubEnv(name, "");
    }
    vi.stubEnv("HF_HOME", NOWHERE);
    return () => vi.unstubAllEnvs();
  });

  async function hub(more: Parameters<typeof hubOf>[0] = {}) {
    const started = await hubOf(
      {
        "acme/base": { files, refs: { "refs/tags/v2": { "model.safetensors": modelBytes(changed(base, 2, 0.2)) } } },
        "acme/closed": { files, private: true },
        ...more,
      },
      { tokens: new Map([["hf_secret", new Set(["acme/closed"])]]) },
    );
    vi.stubEnv("HF_ENDPOINT", started.endpoint);
    return started;
  }

  async function failure(args: readonly string[], exitCode: number): Promise<ErrorReport["error"]> {
    output.stderr = "";
    expect(await runCommandLine([...args, "--json", "--no-progress"]), output.stderr).toBe(exitCode);
    return requireValid<ErrorReport>("error@1", JSON.parse(output.stderr)).error;
  }

  async function run<T>(schema: string, ...args: string[]): Promise<T> {
    output.stdout = "";
    expect(await runCommandLine([...args, "--json", "--no-progress"]), output.stderr).toBe(0);
    return requireValid<T>(schema, JSON.parse(output.stdout));
  }

  it("name the commit that they read", async () => {
    const started = await hub();
    const [main, v2] = [await started.commitOf("acme/base"), await started.commitOf("acme/base", "v2")];
    const inspected = await run<InspectReport>("inspect@1", "inspect", "hf:acme/base", "--revision", "v2");
    expect(inspected.inputs.model).toMatchObject({ location: `hf:acme/base@${v2}`, revision: v2 });
    const compared = await run<{ inputs: object }>("compare@1", "compare", "hf:acme/base@v2", "hf:acme/base");
    expect(compared).toMatchObject({
      verdict: "derived",
      inputs: { suspect: { location: `hf:acme/base@${v2}`, revision: v2 }, base: { revision: main } },
    });
  });

  it("take fingerprint files from there as well", async () => {
    await hub();
    const directory = temporaryDirectory();
    const path = join(directory, "base.fingerprint.safetensors");
    await run("fingerprint@1", "fingerprint", "hf:acme/base", "-o", path);
    const published = await hub({ "acme/print": { files: { "base.fingerprint.safetensors": readFileSync(path) } } });
    const compared = await run<{ verdict: string; inputs: { base: object } }>(
      "compare@1",
      "compare",
      "hf:acme/base",
      "hf:acme/print",
    );
    const revision = await published.commitOf("acme/print");
    expect(compared).toMatchObject({ verdict: "identical", inputs: { base: { kind: "fingerprint", revision } } });
  });

  it("take a token from a file, and show it to nobody else", async () => {
    const started = await hub();
    const path = join(temporaryDirectory(), "token");
    writeFileSync(path, "hf_secret\n");
    const { file } = await failure(["inspect", "hf:acme/closed"], 3);
    expect(file).toBe("hf:acme/closed");
    await run("inspect@1", "inspect", "hf:acme/closed", "--token-file", path, "-v");
    writeFileSync(path, "hf_other_secret");
    expect((await failure(["inspect", "hf:acme/closed", "--token-file", path, "-v"], 3)).code).toBe(
      "HTTP_UNAUTHORIZED",
    );
    expect(output.stdout + output.stderr).not.toContain("secret");
    expect(started.counters.leakedTokens).toBe(0);
    expect(await failure(["inspect", "hf:acme/closed", "--token-file", `${path}-x`], 3)).toMatchObject({
      code: "FILE_NOT_FOUND",
      detail: expect.stringMatching(/^Name a file that holds a token/),
    });
  });

  it("read the cache of the Hub and nothing else when offline", async () => {
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
    const home = temporaryDirectory();
    vi.stubEnv("HF_HOME", home);
    expect((await failure(["inspect", "hf:acme/base", "--offline"], 3)).code).toBe("OFFLINE");
    const snapshot = join(home, "hub/models--acme--base/snapshots", COMMIT);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(snapshot, "model.safetensors"), files["model.safetensors"]);
    const report = await run<InspectReport>("inspect@1", "inspect", `hf:acme/base@${COMMIT}`, "--offline");
    expect(report.inputs.model).toMatchObject({ location: `hf:acme/base@${COMMIT}`, revision: COMMIT });
  });

  it("refuse what needs the files here, before anything is read", async () => {
    const started = await hub();
    const out = join(temporaryDirectory(), "out");
    for (const args of [
      ["watermark", "embed", "hf:acme/base", "-o", out, "--key", "k"],
      ["quality", "hf:acme/base", "hf:acme/base", "--text", "t"],
      ["inspect", "x", "--revision", "v1"],
    ]) {
      expect((await failure(args, 2)).code).toBe("USAGE");
    }
    expect(started.counters.api).toBe(0);
    expect(readdirSync(join(out, ".."))).toEqual([]);
  });

  it("give up at --timeout, and at --max-bytes before it is fetched", async () => {
    const started = await hub();
    started.faults.add({ on: "api", kind: "delay", ms: 30_000 });
    expect((await failure(["identify", "hf:acme/base", "--timeout", "0.05", "--registry", registry()], 5)).code).toBe(
      "TIMED_OUT",
    );
    expect((await failure(["fingerprint", "hf:acme/base", "--max-bytes", "200kB"], 3)).code).toBe(
      "BYTE_BUDGET_EXCEEDED",
    );
  });

  it("have a wrong name told without a request", async () => {
    const started = await hub();
    for (const name of ["hf:base", "hf:../x", "hf:a/b@x y", "https://host/"]) await failure(["inspect", name], 2);
    expect(started.counters.api).toBe(0);
  });
});

/** A registry with two bases. */
function registry(): string {
  return join(import.meta.dirname, "../../../examples/registry");
}
