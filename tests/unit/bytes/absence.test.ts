import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { absenceOf } from "../../../src/bytes/absence.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const UNFETCHED = "What it stands for was not fetched, or was moved away.";
const NOWHERE = { message: "the symbolic link leads nowhere", detail: UNFETCHED };

describe("what is not there", () => {
  it("is a link that leads nowhere, or on the way to a file", () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "real"));
    symlinkSync("real", join(directory, "good"));
    symlinkSync("gone", join(directory, "broken"));
    symlinkSync("broken", join(directory, "twice"));
    expect(absenceOf(join(directory, "broken"))).toEqual(NOWHERE);
    expect(absenceOf(join(directory, "twice"))).toEqual(NOWHERE);
    expect(absenceOf(join(directory, "broken", "a", "b"))).toEqual({
      message: "a symbolic link on the way leads nowhere",
      detail: UNFETCHED,
    });
    for (const path of ["good/a", "real/a", "a", "a\0b"]) {
      expect(absenceOf(join(directory, path))).toEqual({ message: "no such file" });
    }
  });

  it("was not fetched by git-annex", () => {
    const directory = temporaryDirectory();
    symlinkSync("../.git/annex/objects/x/SHA256E-s1--ab", join(directory, "model.safetensors"));
    expect(absenceOf(join(directory, "model.safetensors")).detail).toBe("Fetch what it stands for with git annex get.");
  });

  it("is told so of models, named and in directories, and of shards", async () => {
    const directory = temporaryDirectory();
    symlinkSync("../store/ab", join(directory, "model.safetensors"));
    for (const location of [directory, join(directory, "model.safetensors")]) {
      expect(await refusal(openCheckpoint(location), "FILE_NOT_FOUND")).toMatchObject(NOWHERE);
    }
    // The name of the Hub that this could be is no help: something is there.
    symlinkSync("nowhere", join(directory, "linked"));
    expect(await refusal(openCheckpoint(join(directory, "linked")), "FILE_NOT_FOUND")).toMatchObject(NOWHERE);
    const sharded = temporaryDirectory();
    const index = { weight_map: { a: "a.safetensors", b: "b.safetensors" } };
    writeFileSync(join(sharded, "model.safetensors.index.json"), JSON.stringify(index));
    expect(await refusal(openCheckpoint(sharded), "SHARD_MISSING")).toMatchObject({
      message: "the index names a.safetensors, which is not there",
      detail: "Complete the download.",
    });
    symlinkSync("nowhere", join(sharded, "a.safetensors"));
    expect(await refusal(openCheckpoint(sharded), "SHARD_MISSING")).toMatchObject({
      message: "the index names a.safetensors: the symbolic link leads nowhere",
      detail: UNFETCHED,
    });
  });
});
