import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createLog } from "../../../src/cli/scan/log.ts";
import { logEvent } from "../../../src/cli/worker/log-event.ts";
import { MemoryQueue } from "../../../src/scan/memory-queue.ts";
import { choosyQueue } from "../../../src/scan/operations/choosy-queue.ts";
import { Metrics } from "../../../src/scan/operations/prometheus.ts";
import { openStatusServer, type StatusServer } from "../../../src/scan/operations/status-server.ts";
import { parseExposition } from "../../support/prometheus-text.ts";

describe("Metrics", () => {
  it("are text that a strict parser reads, whatever labels and help hold", () => {
    const metrics = new Metrics();
    const counter = metrics.counter("things_total", "Things,\nof \\ kinds.", [{ kind: "plain" }]);
    counter.add(2, { kind: 'a"b\\c\nd' });
    counter.add(3, { kind: 'a"b\\c\nd' });
    metrics.gauge("level", "A level.", () => Number.NaN, { version: "1" });
    const text = metrics.text();
    expect(text).toContain("# HELP things_total Things,\\nof \\\\ kinds.\n# TYPE things_total counter\n");
    const samples = parseExposition(text);
    expect(samples.get('things_total{kind="plain"}')).toBe(0);
    expect(samples.get('things_total{kind="a\\"b\\\\c\\nd"}')).toBe(5);
    expect(samples.get('level{version="1"}')).toBeNaN();
  });

  it("sum up a histogram, bounds included", () => {
    const metrics = new Metrics();
    const histogram = metrics.histogram("seconds", "Seconds.", [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
    const samples = parseExposition(metrics.text());
    const buckets = ["0.1", "1", "+Inf"].map((le) => samples.get(`seconds_bucket{le="${le}"}`));
    expect([...buckets, samples.get("seconds_sum"), samples.get("seconds_count")]).toEqual([2, 3, 4, 7.65, 4]);
  });

  it("are refused by the parser when they are torn", () => {
    for (const text of ["a 1\n", "# HELP a A\n# TYPE a counter\na 1\n", "# TYPE a_total counter\na_total 1\n"]) {
      expect(() => parseExposition(text)).toThrow();
    }
  });
});

describe("the status server", () => {
  let server: StatusServer | null = null;
  afterEach(() => server?.close());

  it("says alive, ready or why not, and takes nothing else", async () => {
    let why: string | null = null;
    let fails = false;
    const notReady = async () => {
      if (fails) throw new Error("password=secret");
      return why;
    };
    server = await openStatusServer({ host: "127.0.0.1", port: 0, metrics: () => "a 1\n", notReady });
    const get = async (path: string, method = "GET") => {
      const response = await fetch(`http://127.0.0.1:${server!.port}${path}`, { method });
      return [response.status, await response.text()];
    };
    expect(await get("/healthz")).toEqual([200, "ok\n"]);
    expect(await get("/readyz")).toEqual([200, "ok\n"]);
    why = "draining";
    expect(await get("/readyz")).toEqual([503, "draining\n"]);
    fails = true;
    expect(await get("/readyz?x")).toEqual([503, "the database does not answer\n"]);
    expect(await get("/metrics")).toEqual([200, "a 1\n"]);
    expect((await get("/metrics", "POST"))[0]).toBe(405);
    expect((await get("/../etc/passwd"))[0]).toBe(404);
  });

  it("does not wait for a client that says nothing", async () => {
    server = await openStatusServer({ host: "127.0.0.1", port: 0, metrics: () => "", notReady: async () => null });
    const silent = request({ host: "127.0.0.1", port: server.port });
    silent.on("error", () => undefined);
    silent.flushHeaders();
    const taken = server;
    server = null;
    await taken.close();
  });

  it("names a port that is taken", async () => {
    server = await openStatusServer({ host: "127.0.0.1", port: 0, metrics: () => "", notReady: async () => null });
    const again = { host: "127.0.0.1", port: server.port, metrics: () => "", notReady: async () => null };
    await expect(openStatusServer(again)).rejects.toMatchObject({ code: "USAGE" });
  });
});

const target = (id: string) => ({ id, name: id, location: id, revision: null, content: null, bytes: null });

describe("a choosy queue", () => {
  it("looks past the jobs of scans it leaves, gives them back, and ends those of scans that are gone", async () => {
    const queue = new MemoryQueue({ tries: 1 });
    const jobs = (scan: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({ scan, target: target(`${scan}${i}`) as never }));
    await queue.add([...jobs("theirs", 20), ...jobs("gone", 3), ...jobs("ours", 5)]);
    const choosy = choosyQueue(queue, async (scan) => (scan === "ours" ? "work" : scan === "gone" ? "end" : "leave"));
    const taken = await choosy.take(4);
    expect(taken.map(({ job }) => job.target.id)).toEqual(["ours0", "ours1", "ours2", "ours3"]);
    expect(await queue.counts("theirs")).toMatchObject({ waiting: 20, active: 0 });
    expect(await queue.counts("gone")).toMatchObject({ waiting: 0, active: 0, done: 3 });
    expect((await choosy.take(4)).map(({ job }) => job.target.id)).toEqual(["ours4"]);
    expect(await choosy.take(4)).toEqual([]);
  });

  it("gives back everything when it cannot choose", async () => {
    const queue = new MemoryQueue({ tries: 1 });
    await queue.add([
      { scan: "a", target: target("1") as never },
      { scan: "b", target: target("2") as never },
    ]);
    const choosy = choosyQueue(queue, async (scan) => {
      if (scan === "b") throw new Error("away");
      return "work";
    });
    await expect(choosy.take(2)).rejects.toThrow("away");
    expect([await queue.counts("a"), await queue.counts("b")]).toMatchObject([{ waiting: 1 }, { waiting: 1 }]);
  });
});

describe("the log of a worker", () => {
  it("keeps hostile names inside of one JSON string on one line", () => {
    let text = "";
    const stream = { write: (piece: string) => (text += piece) };
    const log = createLog({ format: "json", stream, level: "debug", redact: (name) => name, now: () => "T" });
    const id = 'x\n{"level":"error"}\u001b[2J\u2028\u202e';
    logEvent(log, { type: "released", job: { scan: "s", target: target(id) as never } });
    expect(text.endsWith("\n") && text.slice(0, -1).includes("\n")).toBe(false);
    for (const hostile of ["\u001b", "\u2028", "\u202e"]) expect(text).not.toContain(hostile);
    expect(JSON.parse(text)).toEqual({ time: "T", level: "info", event: "given back", scan: "s", target: id });
  });
});
