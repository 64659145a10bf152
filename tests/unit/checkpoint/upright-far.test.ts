import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isSync } from "../../../src/bytes/byte-source.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { readContents } from "../../../src/fingerprint/full-pass.ts";
import { serializeSafetensors } from "../../../src/formats/safetensors/writer.ts";
import { fetchedAhead, inBatches } from "../../../src/rows/batches.ts";
import { holdRanges } from "../../../src/rows/held-ranges.ts";
import { elementRange } from "../../../src/rows/stored-ranges.ts";
import { remoteOf } from "../../support/hub-remote.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const [INTO, OUT, GROUPS] = [1024, 2304, 8];
const LINEARS = ["gate_proj", "up_proj"];

/** Bytes that no two rows have alike. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

function halves(count: number): Uint8Array {
  return new Uint8Array(Uint16Array.from({ length: count }, (_, i) => 0x2000 + (i % 997)).buffer);
}

/** Two linears whose codes stand upright, packed by inputs (GPTQ) or by rows (AWQ). */
function model(kind: "gptq" | "awq"): Uint8Array {
  const shape = kind === "gptq" ? [INTO / 8, OUT] : [INTO, OUT / 8];
  return serializeSafetensors(
    LINEARS.flatMap((linear, i) => {
      const name = `model.layers.0.mlp.${linear}`;
      const zeros = kind === "gptq" ? new Uint8Array((GROUPS * OUT) / 2).fill(0x77) : noise((GROUPS * OUT) / 2, 9);
      return [
        { name: `${name}.qweight`, dtype: "I32" as const, shape, data: noise((INTO * OUT) / 2, i + 1) },
        { name: `${name}.qzeros`, dtype: "I32" as const, shape: [GROUPS, OUT / 8], data: zeros },
        { name: `${name}.scales`, dtype: "F16" as const, shape: [GROUPS, OUT], data: halves(GROUPS * OUT) },
      ];
    }),
  );
}

/** A server of ranges of one file that counts what it sends. */
async function counting(file: Uint8Array) {
  const sent = { requests: 0, bytes: 0 };
  const http = createServer((request, response) => {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const last = Math.min(Number(end), file.length - 1);
    sent.requests++;
    sent.bytes += last + 1 - Number(start);
    response.writeHead(206, {
      "content-range": `bytes ${start}-${last}/${file.length}`,
      "content-length": last + 1 - Number(start),
      etag: '"1"',
    });
    response.end(file.subarray(Number(start), last + 1));
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  onTestFinished(() => void http.close());
  return { address: `http://127.0.0.1:${(http.address() as AddressInfo).port}/model.safetensors`, sent };
}

describe.each(["gptq", "awq"] as const)("upright codes of %s far away", (kind) => {
  it("are fetched once where everything is read, and are what they are at hand", async () => {
    const file = model(kind);
    const { address, sent } = await counting(file);
    const path = join(scratchDirectory(), "model.safetensors");
    writeFileSync(path, file);
    await using far = await openCheckpoint(address, { remote: await remoteOf("https://hub.invalid"), readAhead: true });
    await using near = await openCheckpoint(path);
    const contents = await readContents(far, {});
    expect(contents).toEqual(await readContents(near, { threads: 0 }));
    expect(contents.size).toBe(LINEARS.length);
    // The first request brings what is fetched again in its turn.
    expect(sent.bytes).toBeLessThan(file.length + (1 << 19));
    expect(sent.requests).toBeLessThan(8);
  });

  it("are fetched once where all rows are read batch by batch", async () => {
    const file = model(kind);
    const { address, sent } = await counting(file);
    const path = join(scratchDirectory(), "model.safetensors");
    writeFileSync(path, file);
    await using far = await openCheckpoint(address, { remote: await remoteOf("https://hub.invalid") });
    await using near = await openCheckpoint(path);
    const rows = [...far.tensors.values()].flatMap((tensor) =>
      Array.from({ length: OUT / 16 }, (_, i) => elementRange(tensor, i * 16 * INTO, 16 * INTO)),
    );
    const batches = [...inBatches(rows, (range) => [range])];
    expect(batches.length).toBeGreaterThan(1);
    for await (const [{ items }, held] of fetchedAhead(batches, ({ ranges }) => holdRanges(far, ranges))) {
      for (const range of items) {
        const { source } = near.files[range.file]!;
        if (!isSync(source)) throw new Error("a local file is read at once");
        const expected = new Uint8Array(range.end - range.start);
        source.readIntoSync(expected, range.start);
        expect(Buffer.compare(held.find(range)!, expected)).toBe(0);
      }
    }
    expect(sent.bytes).toBeLessThan(file.length * 1.2 + (1 << 19));
  });

  it("need the whole of their tensor once for a few rows, and give what is announced beside them", async () => {
    const file = model(kind);
    const { address, sent } = await counting(file);
    await using far = await openCheckpoint(address, { remote: await remoteOf("https://hub.invalid") });
    const tensor = far.tensors.get("model.layers.0.mlp.up_proj.weight")!;
    const ranges = [3, 700, 2303].map((row) => elementRange(tensor, row * INTO + 5, 100));
    const held = await holdRanges(far, ranges);
    const first = sent.bytes;
    expect(first).toBeLessThan(file.length);
    for (const range of ranges) {
      expect(held.find(range)).toEqual(await far.files[range.file]!.source.read(range.start, range.end));
    }
    expect(sent.bytes).toBe(first);
  });
});

it("threads open the model of decoded linears again, and find the same in it", async () => {
  const directory = scratchDirectory();
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.safetensors"), model("awq"));
  await using checkpoint = await openCheckpoint(directory);
  expect(checkpoint.files.at(-1)!.virtualOf).toMatchObject({ config: true });
  const [here, there] = [0, 2].map((threads) => readContents(checkpoint, { threads }));
  expect(await there).toEqual(await here);
});
