import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { adapterBase } from "../../../src/checkpoint/adapter-config.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import type { Remote } from "../../../src/checkpoint/remote.ts";
import { hubOf, remoteOf, weights } from "../../support/hub-remote.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const CONFIG = JSON.stringify({ base_model_name_or_path: "org/base" });

async function baseOf(location: string, remote?: Remote): Promise<string | null> {
  const checkpoint = await openCheckpoint(location, remote === undefined ? {} : { remote });
  return adapterBase(checkpoint).finally(() => checkpoint.close());
}

function adapter(config?: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "adapter_model.safetensors"), weights("a"));
  if (config !== undefined) writeFileSync(join(directory, "adapter_config.json"), config);
  return directory;
}

describe("the base that an adapter names", () => {
  it("stands beside it, whether the directory or the file was named", async () => {
    const directory = adapter(CONFIG);
    expect(await baseOf(directory)).toBe("org/base");
    expect(await baseOf(join(directory, "adapter_model.safetensors"))).toBe("org/base");
    expect(await baseOf(adapter())).toBeNull();
    expect(await baseOf(join(adapter(), "adapter_model.safetensors"))).toBeNull();
  });

  it("is looked for on the Hub, where a listing says that it is there", async () => {
    const files = { "adapter_model.safetensors": weights("a"), "adapter_config.json": CONFIG };
    const hub = await hubOf({ "acme/lora": { files }, "acme/bare": { files: { "model.safetensors": weights("a") } } });
    const remote = await remoteOf(hub);
    expect(await baseOf("hf:acme/lora", remote)).toBe("org/base");
    expect(await baseOf("hf:acme/lora/adapter_model.safetensors", remote)).toBe("org/base");
    const before = { ...hub.counters };
    expect(await baseOf("hf:acme/bare", remote)).toBeNull();
    expect(hub.counters.resolve - before.resolve).toBe(1);
  });

  it.runIf(process.platform !== "win32")("is not read through a link that leads elsewhere", async () => {
    const elsewhere = join(temporaryDirectory(), "secret.json");
    writeFileSync(elsewhere, CONFIG);
    const directory = adapter();
    symlinkSync(elsewhere, join(directory, "adapter_config.json"));
    expect(await baseOf(directory)).toBeNull();
    expect(await baseOf(join(directory, "adapter_model.safetensors"))).toBeNull();
  });

  it("is none where a directory stands in its place", async () => {
    const directory = adapter();
    mkdirSync(join(directory, "adapter_config.json"));
    expect(await baseOf(directory)).toBeNull();
    expect(await adapterBase({})).toBeNull();
  });
});
