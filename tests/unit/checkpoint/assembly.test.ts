import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { type Assembly, addFiles } from "../../../src/checkpoint/assembly.ts";
import type { ModelFolder } from "../../../src/checkpoint/model-folder.ts";
import { weights } from "../../support/hub-remote.ts";
import { refusal } from "../../support/refusal.ts";

/** A folder that keeps count of what is open, and answers late to whom it likes. */
function countedFolder(contents: ReadonlyMap<string, Uint8Array>, remote: boolean) {
  const open = new Set<string>();
  let most = 0;
  let opening = 0;
  const folder: ModelFolder = {
    location: "folder",
    remote,
    shown: (name) => name,
    list: async () => null,
    below: async () => [],
    async open(name) {
      most = Math.max(most, ++opening);
      // Those of even number last.
      await sleep(name.length % 2);
      opening--;
      const source = memorySource(contents.get(name)!, name);
      open.add(name);
      const close = async () => {
        open.delete(name);
      };
      return { source: { ...source, close }, absolutePath: null };
    },
  };
  return { folder, open, most: () => most };
}

const PLAIN = { budget: undefined, blocks: null };
const assembly = (): Assembly => ({
  files: [],
  tensors: new Map(),
  notes: [],
  metadata: null,
  container: "safetensors" as const,
  passedOver: new Map(),
});
const NAMES = Array.from({ length: 30 }, (_, i) => "x".repeat(i + 1));

describe("files of a folder", () => {
  it.each([true, false])("are added in the order of their names (remote: %s)", async (remote) => {
    const { folder, most } = countedFolder(new Map(NAMES.map((name) => [name, weights(name)])), remote);
    const to = assembly();
    await addFiles(to, folder, NAMES, PLAIN);
    expect(to.files.map(({ path }) => path)).toEqual(NAMES);
    expect([...to.tensors.keys()]).toEqual(NAMES);
    expect(most()).toBe(remote ? 8 : 1);
  });

  it("are closed when one before them is refused, and left to the assembly otherwise", async () => {
    const contents = new Map<string, Uint8Array>(NAMES.map((name) => [name, weights(name)]));
    contents.set("xxx", Buffer.from("<html></html>"));
    const { folder, open } = countedFolder(contents, true);
    const to = assembly();
    await refusal(addFiles(to, folder, NAMES, PLAIN), "HTML_PAGE");
    expect([...open].sort()).toEqual(["x", "xx", "xxx"]);
    await Promise.all(to.files.map(({ source }) => source.close()));
    expect([...open]).toEqual([]);
  });

  it("keep what came with their headers, but not of thousands", async () => {
    const { folder } = countedFolder(new Map([["x", weights("a")]]), true);
    let dropped = 0;
    const prefetching: ModelFolder = {
      ...folder,
      async open(name) {
        const source = memorySource(weights(name), name);
        const prefetch = async (ranges: readonly unknown[]) => {
          if (ranges.length === 0) dropped++;
        };
        return { source: { ...source, prefetch }, absolutePath: null };
      },
    };
    const names = Array.from({ length: 100 }, (_, i) => `t${i}`);
    const to = assembly();
    await addFiles(to, prefetching, names, PLAIN);
    expect(dropped).toBe(100 - 64);
    expect(to.metadata).toBeNull();
  });
});
