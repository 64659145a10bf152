import { describe, expect, test } from "vitest";
import type { HostGate } from "../../../../src/bytes/http/host-gate.ts";
import { createGateMemory, gateWaitMs, hostGate } from "../../../../src/bytes/http/shared-gate.ts";

const BUCKET = "https://hub.test api";
const START = 1_800_000_000_000;

/** Time that passes only when everybody waits. */
function world() {
  let now = START;
  let order = 0;
  const waiting: { at: number; order: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        waiting.push({ at: now + milliseconds, order: order++, wake: resolve });
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
    /** Lets time pass until nobody waits, or until `end`. */
    async run(end = Number.POSITIVE_INFINITY): Promise<void> {
      for (;;) {
        await new Promise(setImmediate);
        waiting.sort((a, b) => a.at - b.at || a.order - b.order);
        if (waiting.length === 0 || waiting[0]!.at > end) return;
        const next = waiting.shift()!;
        now = Math.max(now, next.at);
        next.wake();
      }
    },
    advance(milliseconds: number) {
      now += milliseconds;
    },
  };
}

function setUp(threads = 2) {
  const time = world();
  const memory = createGateMemory();
  const gates = Array.from({ length: threads }, () => hostGate(memory, time));
  const entered: { id: number; at: number }[] = [];
  const enter = (gate: HostGate, id: number, bucket = BUCKET) =>
    gate.enter(bucket).then(() => entered.push({ id, at: time.now() - START }));
  return { time, gates, entered, enter };
}

test("how long a gate makes one wait can be seen without entering it", () => {
  const memory = createGateMemory();
  const gate = hostGate(memory, world());
  expect(gateWaitMs(memory, START)).toBe(0);
  gate.close(BUCKET, START + 5000);
  expect(gateWaitMs(memory, START)).toBe(5000);
  gate.observe("https://hub.test resolve", 0, START + 60_000);
  expect(gateWaitMs(memory, START)).toBe(60_000);
  gate.observe("https://hub.test storage", 10, START + 90_000);
  expect(gateWaitMs(memory, START)).toBe(60_000);
  expect(gateWaitMs(memory, START + 90_000)).toBe(0);
});

describe("the gate", () => {
  test("is open to whoever comes as long as nothing is known", async () => {
    const { time, gates, entered, enter } = setUp();
    for (let id = 0; id < 100; id += 1) void enter(gates[id % 2]!, id);
    await time.run();
    expect(entered).toHaveLength(100);
    expect(time.now()).toBe(START);
    expect(gates[0]!.opensAt(BUCKET)).toBe(0);
  });

  test("closed by one thread holds all until the time, and lets them back in turn", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.close(BUCKET, START + 5000);
    expect(gates[1]!.opensAt(BUCKET)).toBe(START + 5000);
    for (let id = 0; id < 10; id += 1) void enter(gates[id % 2]!, id);
    await time.run();
    expect(entered.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(entered[0]!.at).toBe(5000);
    const gaps = entered.slice(1).map(({ at }, i) => at - entered[i]!.at);
    expect(new Set(gaps)).toEqual(new Set([20]));
  });

  test("closed again while they wait holds them on; the later closure counts", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.close(BUCKET, START + 1000);
    void enter(gates[0]!, 0);
    await time.run(START + 500);
    gates[1]!.close(BUCKET, START + 3000);
    gates[1]!.close(BUCKET, START + 2000);
    await time.run();
    expect(entered[0]!.at).toBeGreaterThanOrEqual(3000);
    expect(entered[0]!.at).toBeLessThan(3100);
  });

  test("lets no more in than a window has left, all threads together", async () => {
    const { time, gates, entered, enter } = setUp(3);
    gates[0]!.observe(BUCKET, 40, START + 60_000);
    for (let id = 0; id < 100; id += 1) void enter(gates[id % 3]!, id);
    await time.run();
    expect(entered.filter(({ at }) => at < 60_000)).toHaveLength(40);
    expect(entered).toHaveLength(100);
  });

  test("spreads the last requests of a window over the rest of it", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.observe(BUCKET, 10, START + 10_000);
    for (let id = 0; id < 10; id += 1) void enter(gates[0]!, id);
    await time.run();
    expect(entered.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(entered[0]!.at).toBe(0);
    expect(entered[9]!.at).toBeGreaterThan(5000);
    for (const [i, { at }] of entered.slice(1).entries()) expect(at - entered[i]!.at).toBeGreaterThan(500);
  });

  test("lets those back in after a closure that the window has room for, and no more", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.close(BUCKET, START + 1000);
    gates[0]!.observe(BUCKET, 2, START + 60_000);
    for (let id = 0; id < 5; id += 1) void enter(gates[id % 2]!, id);
    await time.run();
    expect(entered.map(({ at }) => at >= 60_000)).toEqual([false, false, true, true, true]);
  });

  test("closed while somebody waits for their turn holds them as well", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.observe(BUCKET, 2, START + 20_000);
    void enter(gates[0]!, 0);
    void enter(gates[0]!, 1);
    await time.run(START + 5000);
    gates[1]!.close(BUCKET, START + 50_000);
    await time.run();
    expect(entered[0]!.at).toBe(0);
    expect(entered[1]!.at).toBeGreaterThanOrEqual(50_000);
  });

  test("believes the fewest left of one window, and a new window anew", async () => {
    const { time, gates } = setUp();
    gates[0]!.observe(BUCKET, 0, START + 10_000);
    // Older replies that arrive late, and the same end told a second off.
    gates[1]!.observe(BUCKET, 5, START + 11_000);
    gates[1]!.observe(BUCKET, 7, START + 4000);
    expect(gates[0]!.opensAt(BUCKET)).toBe(START + 10_000);
    gates[1]!.observe(BUCKET, 9, START + 20_000);
    expect(gates[0]!.opensAt(BUCKET)).toBe(0);
    gates[1]!.observe(BUCKET, 0, START + 20_000);
    time.advance(20_000);
    expect(gates[0]!.opensAt(BUCKET)).toBe(0);
    gates[1]!.observe(BUCKET, 0, START + 20_000);
    expect(gates[0]!.opensAt(BUCKET)).toBe(0);
  });

  test("is not locked for ever by a server that says so", () => {
    const { gates } = setUp();
    gates[0]!.close(BUCKET, Number.MAX_SAFE_INTEGER);
    gates[0]!.observe("other", 0, Number.MAX_SAFE_INTEGER);
    for (const bucket of [BUCKET, "other"]) {
      expect(gates[0]!.opensAt(bucket)).toBe(START + 24 * 3_600_000);
    }
    gates[0]!.observe("another", 1e15, START + 1000);
    expect(gates[0]!.opensAt("another")).toBe(0);
  });

  test("one bucket does not hold another", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.close(BUCKET, START + 5000);
    void enter(gates[0]!, 1, "https://hub.test resolve");
    await time.run(START);
    expect(entered).toEqual([{ id: 1, at: 0 }]);
  });

  test("refuses who would have to wait for too long, as soon as that is known", async () => {
    const { time, gates } = setUp();
    gates[0]!.close(BUCKET, START + 1000);
    const answers: (boolean | number)[] = [];
    const ask = (latest: number) =>
      gates[0]!.enter(BUCKET, undefined, START + latest).then((entered) => answers.push(entered, time.now() - START));
    void ask(500);
    await time.run(START);
    expect(answers).toEqual([false, 0]);
    void ask(2000);
    await time.run(START + 500);
    gates[1]!.close(BUCKET, START + 9000);
    await time.run();
    expect(answers).toEqual([false, 0, false, 1000]);
    expect(await gates[0]!.enter("open", undefined, START)).toBe(false);
  });

  test("does not spread a few requests over a day", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.observe(BUCKET, 3, START + 86_400_000);
    for (let id = 0; id < 3; id += 1) void enter(gates[0]!, id);
    await time.run();
    expect(entered.map(({ at }) => at)).toEqual([0, 30_000, 60_000]);
  });

  test("a signal ends the wait with its reason, and takes no turn from others", async () => {
    const { time, gates, entered, enter } = setUp();
    gates[0]!.close(BUCKET, START + 5000);
    const stop = new AbortController();
    const waiting = gates[0]!.enter(BUCKET, stop.signal);
    void enter(gates[0]!, 1);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(gates[0]!.enter(BUCKET, stop.signal)).rejects.toThrow("enough");
    await time.run();
    expect(entered[0]!.at).toBeLessThan(5100);
  });
});

test("what other servers call themselves closes nobody's bucket, on any thread", async () => {
  const memory = createGateMemory();
  const [gate, other] = [hostGate(memory, world()), hostGate(memory, world())];
  const latest = START + 1000;
  expect(await gate.enter(BUCKET, undefined, latest)).toBe(true);
  // Far more than there are buckets: some of them share one, but none with a server that was there before.
  for (let i = 0; i < 3000; i += 1) gate.close(`https://a${i}.hostile.test storage`, START + 3_600_000);
  expect(await gate.enter(BUCKET, undefined, latest)).toBe(true);
  expect(await other.enter(BUCKET, undefined, latest)).toBe(true);
  expect(await other.enter("https://a7.hostile.test storage", undefined, latest)).toBe(false);
});
