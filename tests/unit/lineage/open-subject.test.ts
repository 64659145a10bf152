import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compare, openSubject, serializeFingerprint } from "../../../src/index.ts";
import { storeModel } from "../../support/keyed-model.ts";
import { randomModel } from "../../support/random-model.ts";
import { refusal } from "../../support/refusal.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const place = scratchDirectory();
const model = storeModel(join(place, "model"), randomModel({ init: 1 }, { width: 48, hidden: 64, layers: 2 }));

describe("openSubject", () => {
  test("opens a model, says what it is, and lets go of it when it goes out of sight", async () => {
    const closed: string[] = [];
    {
      await using subject = await openSubject(model);
      expect(subject).toMatchObject({ name: "model", root: false, kind: "model", revision: null, location: model });
      expect(subject.bytesTotal).toBe(readFileSync(join(model, "model.safetensors")).length);
      expect(subject.bytesRead).toBeGreaterThan(0);
      const [file] = subject.checkpoint!.files;
      await file!.source.read(0, 1);
      closed.push(file!.source.location);
      subject.checkpoint!.files.forEach(({ source }) => {
        const { close } = source;
        source.close = async () => {
          closed.push("closed");
          await close.call(source);
        };
      });
    }
    expect(closed).toHaveLength(2);
  });

  test("opens a fingerprint file by its content, whatever it is called, and both are the same", async () => {
    await using subject = await openSubject(model, { depth: "full", threads: 0, name: "one", root: true });
    const path = join(place, "model.bin");
    writeFileSync(path, serializeFingerprint(subject.fingerprint));
    await using stored = await openSubject(path);
    expect(stored).toMatchObject({ name: "model.bin", root: false, kind: "fingerprint", checkpoint: null });
    expect(stored.bytesRead).toBe(stored.bytesTotal);
    expect((await compare(stored, subject)).verdict).toBe("identical");
  });

  test("tells what it opened and how far it is, before the whole of it is read", async () => {
    const seen: string[] = [];
    await using subject = await openSubject(model, {
      onOpened: ({ tensors }) => seen.push(`opened ${tensors.size}`),
      onProgress: (done, total) => seen.push(done === total ? "done" : "on"),
    });
    expect(seen[0]).toBe(`opened ${subject.checkpoint!.tensors.size}`);
    expect(seen.at(-1)).toBe("done");
    expect(seen.lastIndexOf("done")).toBe(seen.length - 1);
  });

  test("reads no more than it may, and ends with the reason of its signal", async () => {
    await refusal(openSubject(model, { maxBytes: 100 }), "BYTE_BUDGET_EXCEEDED");
    const bytes = readFileSync(join(model, "model.safetensors")).length;
    const deep = { maxBytes: bytes - 1, depth: "full", threads: 0 } as const;
    expect((await refusal(openSubject(model, deep), "BYTE_BUDGET_EXCEEDED")).file).toBe(model);
    const reason = new Error("enough");
    await expect(openSubject(model, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await refusal(openSubject(join(place, "absent")), "FILE_NOT_FOUND");
  });
});
