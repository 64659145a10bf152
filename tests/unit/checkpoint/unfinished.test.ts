import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { isUnfinishedName } from "../../../src/checkpoint/unfinished.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { enumerateTargets } from "../../../src/scan/enumerate.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { scan } from "../../../src/scan/scan.ts";
import { refusal } from "../../support/refusal.ts";
import { parametersOf } from "../../support/scan-items.ts";
import { inputsOf, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { modelBytes, tinyModel } from "../../support/tiny-model.ts";

function folder(...names: string[]): string {
  const directory = join(temporaryDirectory(), "m");
  mkdirSync(directory);
  for (const name of names)
    writeFileSync(join(directory, name), name.endsWith("safetensors") ? modelBytes(tinyModel(1)) : "");
  return directory;
}

async function notesOf(location: string): Promise<readonly string[]> {
  const checkpoint = await openCheckpoint(location);
  await checkpoint.close();
  return checkpoint.notes;
}

const note = (names: string) => `files of a download that is not complete lie beside it: ${names}`;

describe("downloads that are not complete", () => {
  it.each([
    "model.safetensors.aria2",
    "model.safetensors.incomplete",
    "model.safetensors.part",
    "Unconfirmed 12345.crdownload",
    "model.safetensors.!qB",
  ])("are known by the name %s", (name) => {
    expect(isUnfinishedName(name)).toBe(true);
  });

  it.each(["model.safetensors", "aria2", "part.json", "model.partial.safetensors"])("are not what %s is", (name) => {
    expect(isUnfinishedName(name)).toBe(false);
  });

  it("are noted beside the weights, of a folder and of a file that was named", async () => {
    const directory = folder("model.safetensors", "model.safetensors.aria2", "vae.safetensors.crdownload", "parts");
    expect(await notesOf(directory)).toEqual([note('"model.safetensors.aria2", "vae.safetensors.crdownload"')]);
    expect(await notesOf(join(directory, "model.safetensors"))).toEqual([note('"model.safetensors.aria2"')]);
    expect(await notesOf(folder("model.safetensors"))).toEqual([]);
  });

  it("are why there are no weights", async () => {
    const directory = folder("model.safetensors.part", "config.json");
    expect((await refusal(openCheckpoint(directory), "UNSUPPORTED_CONTAINER")).message).toMatch(
      /only "model.safetensors.part" \(an unfinished download\)$/,
    );
    await refusal(openCheckpoint(folder("notes.part")), "NO_WEIGHTS");
  });

  it("are pointers of DVC, where what they stand for was not fetched", async () => {
    const directory = folder("data.csv.dvc");
    writeFileSync(join(directory, "ae.sft.dvc"), "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: ae.sft\n");
    const error = await refusal(openCheckpoint(directory), "UNSUPPORTED_CONTAINER");
    expect(error.message).toMatch(/only "ae.sft.dvc" \(a DVC pointer, not the weights it stands for\)$/);
    expect(error.detail).toContain("dvc pull");
    const targets: string[] = [];
    const options = { include: [], exclude: [], remote: null };
    for await (const { location } of enumerateTargets(inputsOf(dirname(directory)), options)) targets.push(location);
    expect(targets).toEqual([directory]);
    expect(await notesOf(folder("model.safetensors", "model.safetensors.dvc", "model.bin.dvc"))).toEqual([]);
  });

  it("are told by a scan, with the zeros that they leave", async () => {
    const directory = folder("model.safetensors", "model.safetensors.aria2");
    const bytes = Buffer.from(modelBytes(tinyModel(1)));
    writeFileSync(join(directory, "model.safetensors"), bytes.fill(0, bytes.length / 2));
    mkdirSync(join(directory, "other"));
    writeFileSync(join(directory, "other", "model.safetensors.crdownload"), "");
    const store = await openJournal(join(directory, "..", "journal"), parametersOf());
    const items: ScanItem[] = [];
    await scan(inputsOf(directory), {
      store,
      setup: setupOf(),
      threads: 0,
      onItem: async (one) => void items.push(one),
    });
    await store.close();
    expect(items.sort((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
      {
        name: "m",
        caveats: [
          expect.stringMatching(/^of the \d+ matrices of m that were sampled \d+ are all zero/),
          `m: ${note('"model.safetensors.aria2"')}`,
        ],
      },
      { name: "other", status: "skipped", failure: { code: "UNSUPPORTED_CONTAINER" } },
    ]);
  });

  it("are remembered in a fingerprint", async () => {
    const checkpoint = await openCheckpoint(folder("model.safetensors", "model.safetensors.aria2"));
    const { notes } = await fingerprintCheckpoint(checkpoint);
    await checkpoint.close();
    expect(notes).toContain(note('"model.safetensors.aria2"'));
  });
});
