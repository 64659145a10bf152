import { once } from "node:events";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, it } from "vitest";
import { startCommand } from "../support/command.ts";
import { errorOf, linesOf, MANY, scanCommand, storeModels, WITH } from "../support/scan-command.ts";
import { requireValid } from "../support/schemas.ts";

const command = scanCommand();
const { root, at, quick, ownJournal } = command;

beforeAll(() => storeModels(command));

describe("a scan that is broken off", () => {
  const args = (journal: string) => [
    "scan",
    "many",
    "models",
    "--registry",
    "bases",
    "--no-cache",
    "--jobs",
    "1",
    "--journal",
    journal,
    "--no-progress",
  ];
  const undisturbed = async () =>
    (await quick(["many", "models", ...WITH, ...ownJournal(), "--deterministic", "--format", "jsonl"])).stdout;

  /** A scan that has printed some items. */
  async function begun(journal: string) {
    const child = startCommand([...args(journal), "--format", "jsonl"], { cwd: root });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await lines.next();
    return { child, ended: once(child, "close") as Promise<[number | null, string | null]>, lines };
  }

  /** All of a scan that was broken off, told anew from its journal. */
  const wholeAgain = (journal: string) =>
    quick(["many", "models", ...WITH, "--journal", journal, "--resume", "--deterministic", "--format", "jsonl"]);

  it("goes on after a kill -9, loses nothing and repeats nothing; unfinished journals are not overwritten", async () => {
    const journal = at("killed");
    const { child, ended } = await begun(journal);
    child.kill("SIGKILL");
    expect((await ended)[1]).toBe("SIGKILL");
    const refused = await quick(["many", "models", ...WITH, "--journal", journal, "--json"]);
    expect(refused.exitCode).toBe(2);
    expect(errorOf(refused).code).toBe("SCAN_UNFINISHED");
    expect(errorOf(await quick(["many", ...WITH, "--journal", journal, "--json", "--resume"])).code).toBe(
      "SCAN_DIFFERS",
    );
    const resumed = await quick(["many", "models", ...WITH, "--journal", journal, "--resume", "--format", "jsonl"]);
    expect(resumed, resumed.stderr).toMatchObject({ exitCode: 0 });
    const { items, summary } = linesOf(resumed);
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    expect(summary).toMatchObject({ complete: true, listed: MANY + 5 });
    expect(summary.work?.replayed).toBeGreaterThanOrEqual(3);
    const whole = await wholeAgain(journal);
    expect(whole.stdout).toBe(await undisturbed());
  });

  it("stops at the first signal, exits 5, says how to go on, and locks others out while it runs", async () => {
    const journal = at("stopped");
    const { child, ended, lines } = await begun(journal);
    const second = await quick(["many", "models", ...WITH, "--journal", journal, "--json", "--resume"]);
    expect(second.exitCode).toBe(3);
    expect(errorOf(second).code).toBe("SCAN_JOURNAL_LOCKED");
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.kill("SIGINT");
    let last = "";
    for (let line = await lines.next(); !line.done; line = await lines.next()) last = line.value;
    expect((await ended)[0]).toBe(5);
    expect(requireValid("scan-summary@1", JSON.parse(last))).toMatchObject({
      interrupted: true,
      complete: false,
      exitCode: 5,
    });
    expect(stderr).toContain("--resume");
    const resumed = await wholeAgain(journal);
    expect(resumed.stdout).toBe(await undisturbed());
  });

  it("ends when its reader goes away, without a word, as incomplete", async () => {
    const journal = at("unread");
    const { child, ended } = await begun(journal);
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.stdout.destroy();
    expect([(await ended)[0], stderr]).toEqual([5, ""]);
    const resumed = await quick(["many", "models", ...WITH, "--journal", journal, "--resume", "-q"]);
    expect(resumed, resumed.stderr).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
