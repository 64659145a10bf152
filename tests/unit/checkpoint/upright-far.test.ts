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

/** Many small linears of GPTQ, each with the groups of its inputs. */
function experts(count: number, indexOf: (i: number) => Int32Array): Uint8Array {
  const into = 64;
  const tensors = Array.from({ length: count }, (_, i) => {
    const name = `model.layers.0.mlp.experts.${i}.up_proj`;
    const data = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return [
      { name: `${name}.g_idx`, dtype: "I32" as const, shape: [into], data: data(indexOf(i)) },
      { name: `${name}.qweight`, dtype: "I32" as const, shape: [into / 8, 40], data: noise(into * 20, i) },
      { name: `${name}.qzeros`, dtype: "I32" as const, shape: [2, 5], data: new Uint8Array(40).fill(0x77) },
      { name: `${name}.scales`, dtype: "F16" as const, shape: [2, 40], data: halves(80) },
    ];
  });
  return serializeSafetensors(tensors.flat());
}

describe("indices of many packed linears far away", () => {
  const shuffled = Int32Array.from({ length: 64 }, (_, i) => (i * 7) % 2);
  const ordered = Int32Array.from({ length: 64 }, (_, i) => Math.floor(i / 32));

  it("are read where values are, which are the same as at hand", async () => {
    const file = experts(300, (i) => (i % 2 === 0 ? shuffled : ordered));
    const { address } = await counting(file);
    const path = join(scratchDirectory(), "model.safetensors");
    writeFileSync(path, file);
    await using far = await openCheckpoint(address, { remote: await remoteOf("https://hub.invalid") });
    await using near = await openCheckpoint(path);
    const schemes = (of: typeof far) => [...of.tensors.values()].map(({ scheme }) => scheme);
    expect(schemes(near).filter((scheme) => scheme?.endsWith("act order"))).toHaveLength(150);
    expect(schemes(far).filter((scheme) => scheme?.endsWith("act order"))).toHaveLength(128);
    expect(await readContents(far, {})).toEqual(await readContents(near, { threads: 0 }));
    const tensor = far.tensors.get("model.layers.0.mlp.experts.99.up_proj.weight")!;
    const { source } = near.files[tensor.file]!;
    // A part of one row.
    for (const first of [0, 40, 3 * 64 + 30]) {
      const { start, end } = elementRange(tensor, first, 20);
      expect(await far.files[tensor.file]!.source.read(start, end)).toEqual(await source.read(start, end));
    }
  });

  it("that name groups which are not there are refused by name when they are read", async () => {
    const wrong = Int32Array.from({ length: 64 }, () => 2);
    const { address } = await counting(experts(300, (i) => (i === 99 ? wrong : ordered)));
    await using far = await openCheckpoint(address, { remote: await remoteOf("https://hub.invalid") });
    const linears = [...far.tensors.values()].filter(({ scheme }) => scheme !== undefined);
    expect(linears).toHaveLength(300);
    await expect(readContents(far, {})).rejects.toMatchObject({
      code: "PACKED_INDEX_INVALID",
      tensor: "model.layers.0.mlp.experts.99.up_proj.g_idx",
    });
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
