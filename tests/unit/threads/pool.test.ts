import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Contents, ContentTask } from "../../../src/fingerprint/content-task.ts";
import type { TokenizeReply, TokenizeTask } from "../../../src/quality/tokenize-task.ts";
import { openPool, type ThreadPool } from "../../../src/threads/pool.ts";
import { ENDLESS_TEXT, ENDLESS_TOKENIZER } from "../../support/endless-tokenizer.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

async function withPool<T, V>(opening: Promise<ThreadPool<T, V>>, use: (pool: ThreadPool<T, V>) => Promise<void>) {
  const pool = await opening;
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

const bytesOf = (path: string, end: number): ContentTask => ({
  file: 0,
  from: path,
  tensors: [{ name: "a", begin: 0, end, dtype: "U8" }],
});
const readers = () => openPool<ContentTask, Contents>("readTensors", { threads: 2 });

describe("a pool of threads", () => {
  const path = join(scratchDirectory(), "bytes");
  writeFileSync(path, new Uint8Array(100));

  test("gives back what the work gives", () =>
    withPool(readers(), async (pool) => {
      const all = await Promise.all([10, 20, 30, 40, 10].map((end) => pool.run(bytesOf(path, end))));
      expect(all.map((contents) => contents[0]![0])).toEqual(["a", "a", "a", "a", "a"]);
      expect(all[4]).toEqual(all[0]);
      expect(new Set(all.map((contents) => contents[0]![1].content)).size).toBe(4);
    }));

  test("throws what the work throws, as the error that it is, and goes on", () =>
    withPool(readers(), async (pool) => {
      const gone = `${path}-gone`;
      await expect(pool.run(bytesOf(gone, 10))).rejects.toMatchObject({ code: "FILE_NOT_FOUND", file: gone });
      await expect(pool.run(bytesOf(path, 200))).rejects.toMatchObject({ code: "READ_OUT_OF_RANGE" });
      expect(await pool.run(bytesOf(path, 10))).toHaveLength(1);
    }));

  test("rejects with the reason of the signal while the thread works on, and ends it when it is closed", () =>
    withPool(openPool<TokenizeTask, TokenizeReply>("tokenize", { threads: 1 }), async (pool) => {
      const tokenizer = new TextEncoder().encode(ENDLESS_TOKENIZER);
      const task = { text: ENDLESS_TEXT, tokenizer, config: null };
      const reason = new Error("enough");
      const stop = new AbortController();
      const endless = pool.run(task, stop.signal);
      setTimeout(() => stop.abort(reason), 300);
      await expect(endless).rejects.toBe(reason);
      await expect(pool.run(task, stop.signal)).rejects.toBe(reason);
    }));
});
