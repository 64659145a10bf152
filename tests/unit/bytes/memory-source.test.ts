import { describe, expect, it } from "vitest";
import { byteBudget, withBudget } from "../../../src/bytes/byte-budget.ts";
import { type ByteSource, isSync } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { refusal } from "../../support/refusal.ts";

const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5);

describe("memorySource", () => {
  it("reads ranges as copies", async () => {
    const source = memorySource(bytes);
    const part = await source.read(1, 3);
    expect([...part]).toEqual([1, 2]);
    part.fill(9);
    expect([...(await source.read(0, 6))]).toEqual([...bytes]);
    const target = new Uint8Array(2);
    source.readIntoSync(target, 4);
    expect([...target]).toEqual([4, 5]);
  });

  it("copies out of pooled buffers too", async () => {
    const part = await memorySource(Buffer.from("pooled")).read(0, 6);
    expect(part.buffer.byteLength).toBe(6);
  });

  it("refuses what lies beyond the end", async () => {
    const source = memorySource(bytes, "name");
    expect((await refusal(source.read(0, 7), "READ_OUT_OF_RANGE")).file).toBe("name");
    expect(() => source.readIntoSync(new Uint8Array(3), 4)).toThrow(WeightmarkError);
  });

  it("never changes and needs no closing", async () => {
    const source = memorySource(bytes);
    await source.verifyUnchanged();
    await source.close();
    expect(await source.read(0, 1)).toHaveLength(1);
  });
});

describe("withBudget", () => {
  it("counts every byte over all sources and refuses before reading", async () => {
    const budget = byteBudget(8);
    const first = withBudget(memorySource(bytes, "first"), budget);
    const second = withBudget(memorySource(bytes, "second"), budget);
    await first.read(0, 5);
    second.readIntoSync(new Uint8Array(3), 0);
    expect(budget.spent).toBe(8);
    const target = Uint8Array.of(7);
    expect(() => second.readIntoSync(target, 0)).toThrow(WeightmarkError);
    expect(target[0]).toBe(7);
    expect((await refusal(first.read(0, 1), "BYTE_BUDGET_EXCEEDED")).file).toBe("first");
    expect(budget.spent).toBe(8);
    expect(await first.read(0, 0)).toHaveLength(0);
  });

  it("counts without a limit", async () => {
    const budget = byteBudget();
    await withBudget(memorySource(bytes), budget).read(0, 6);
    expect([budget.spent, budget.limit]).toEqual([6, Number.POSITIVE_INFINITY]);
  });

  it("does not make a synchronous source of one that is not", async () => {
    const calls: string[] = [];
    const remote: ByteSource = {
      location: "remote",
      size: 6,
      read: async (start, end) => bytes.slice(start, end),
      verifyUnchanged: async () => void calls.push("verify"),
      close: async () => void calls.push("close"),
    };
    const counted = withBudget(remote, byteBudget(6));
    expect([isSync(counted), counted.location, counted.size]).toEqual([false, "remote", 6]);
    expect([...(await counted.read(4, 6))]).toEqual([4, 5]);
    await counted.verifyUnchanged();
    await counted.close();
    expect(calls).toEqual(["verify", "close"]);
    expect(isSync(withBudget(memorySource(bytes), byteBudget()))).toBe(true);
  });

  it("does not give bytes back for a reversed range", async () => {
    const budget = byteBudget(10);
    await refusal(withBudget(memorySource(bytes), budget).read(5, 2), "READ_OUT_OF_RANGE");
    expect(budget.spent).toBe(0);
  });
});
