import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { type LockOptions, takeLock, withLock } from "../../../src/registry/lock.ts";
import { type Holder, ownHolder, ownSpace, type ProcessSpace } from "../../../src/registry/lock-holder.ts";
import { withoutLinks } from "../../support/failing-links.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const onLinux = process.platform === "linux";
const a = randomFingerprint({ seed: 1 });
const b = randomFingerprint({ seed: 2 });

async function filled(): Promise<string> {
  const directory = temporaryDirectory();
  const registry = await openRegistry(directory, { create: true });
  await registry.add(a, { name: "a" });
  await registry.add(b, { name: "b" });
  return directory;
}

const deadProcess = () => Number(execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }));

/** The lock of another program, as it stands in a file. */
function lockOf(pid: number, fields: Partial<Holder> = {}): string {
  return JSON.stringify({ ...ownHolder(ownSpace(), "other"), pid, started: null, ...fields });
}

/** As releases wrote it that told no namespaces apart. */
function earlyLockOf(pid: number): string {
  const { host, started, token } = ownHolder(ownSpace(), "other");
  return JSON.stringify({ pid, host, started, token });
}

const HOUR_MS = 3_600_000;

function setAge(path: string, ms: number): void {
  const at = new Date(Date.now() - ms);
  utimesSync(path, at, at);
}

const here: ProcessSpace = { host: "node", pidNamespace: "pid:[4026531836]", boot: "e7a3" };
/** Started with the same host name, as with `--network host`. */
const container: ProcessSpace = { ...here, pidNamespace: "pid:[4026532200]" };
const options: LockOptions = { timeoutMs: 0, code: "REGISTRY_LOCKED", message: "locked", space: here };

describe("the lock", () => {
  it("keeps a second writer waiting, and then out", async () => {
    const directory = await filled();
    const registry = await openRegistry(directory, { lockTimeoutMs: 60 });
    await withLock(directory, 1000, async () => {
      await expect(registry.remove("a")).rejects.toMatchObject({ code: "REGISTRY_LOCKED" });
    });
    await registry.remove("a");
    expect(readdirSync(directory)).not.toContain("lock");
  });

  it("is taken over from a process that is gone, and from an earlier one of the same number", async () => {
    const directory = await filled();
    const path = join(directory, "lock");
    const registry = await openRegistry(directory, { lockTimeoutMs: 200 });
    writeFileSync(path, lockOf(deadProcess()));
    await registry.remove("a");
    writeFileSync(path, lockOf(process.pid));
    await registry.remove("b");
    if (onLinux) {
      for (const pid of [process.pid, process.ppid]) {
        writeFileSync(path, lockOf(pid, { started: "1" }));
        await registry.add(a, { name: "a" });
        await registry.remove("a");
      }
    }
    expect(readdirSync(directory).sort()).toEqual(["codes.bin", "fingerprints", "head.json", "journal.jsonl"]);
  });

  it.each([
    ["another machine's", () => lockOf(deadProcess(), { host: "elsewhere" })],
    ["a running process's", () => lockOf(process.ppid)],
    ["nobody's", () => ""],
    ["something else's", () => "[1, 2]"],
    ["another container's with our own number", () => lockOf(process.pid, { pidNamespace: "pid:[1]" })],
    ["another container's with a number that nobody has", () => lockOf(deadProcess(), { pidNamespace: "pid:[1]" })],
    ["one of before a restart", () => lockOf(deadProcess(), { boot: "another" })],
  ])("is never taken from %s", async (_, content) => {
    const directory = await filled();
    writeFileSync(join(directory, "lock"), content());
    const registry = await openRegistry(directory, { lockTimeoutMs: 60 });
    await expect(registry.remove("a")).rejects.toMatchObject({ code: "REGISTRY_LOCKED" });
    expect(statSync(join(directory, "lock")).isFile()).toBe(true);
  });

  it.runIf(onLinux)("is not taken from this very process by another copy of this module", async () => {
    const directory = await filled();
    const { started } = ownHolder(ownSpace(), "");
    expect(started).toMatch(/^\d+$/);
    writeFileSync(join(directory, "lock"), lockOf(process.pid, { started }));
    await refusal((await openRegistry(directory, { lockTimeoutMs: 60 })).remove("a"), "REGISTRY_LOCKED");
  });

  it.runIf(onLinux)("of an earlier release is read and never judged", async () => {
    const path = join(temporaryDirectory(), "lock");
    const pid = deadProcess();
    writeFileSync(path, earlyLockOf(pid));
    setAge(path, HOUR_MS);
    const { detail } = await refusal(takeLock(path, { ...options, space: ownSpace() }), "REGISTRY_LOCKED");
    expect(detail).toContain(`process ${pid} on ${ownSpace().host}`);
    expect(detail).toContain("Delete the lock file");
  });

  it.runIf(onLinux)("is not judged where the system does not say which processes a number means", async () => {
    const path = join(temporaryDirectory(), "lock");
    for (const unknown of [{ pidNamespace: null }, { boot: null }]) {
      const space = { ...here, ...unknown };
      writeFileSync(path, JSON.stringify({ ...ownHolder(space, "other"), pid: deadProcess() }));
      await refusal(takeLock(path, { ...options, space }), "REGISTRY_LOCKED");
    }
  });

  it.each(["hard links", "ENOTSUP", "EPERM", "ENOSYS"])(
    "lets many writers in one at a time, also over a stale lock, with %s",
    async (kind) => {
      if (kind !== "hard links") withoutLinks(kind);
      const directory = temporaryDirectory();
      writeFileSync(join(directory, "lock"), lockOf(deadProcess()));
      let inside = 0;
      let most = 0;
      await Promise.all(
        Array.from({ length: 8 }, () =>
          withLock(directory, 600_000, async () => {
            most = Math.max(most, ++inside);
            await new Promise((resolve) => setImmediate(resolve));
            inside--;
          }),
        ),
      );
      expect(most).toBe(1);
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it.each(["ENOTSUP", "EPERM", "ENOSYS"])(
    "serves a registry on a file system without hard links (%s)",
    async (code) => {
      withoutLinks(code);
      const directory = await filled();
      await (await openRegistry(directory)).remove("a");
      expect((await openRegistry(directory)).list().map(({ name }) => name)).toEqual(["b"]);
      expect(readdirSync(directory).sort()).toEqual(["codes.bin", "fingerprints", "head.json", "journal.jsonl"]);
    },
  );
});

describe("a holder that cannot be looked up", () => {
  const pulse = { beatMs: 5, silentMs: 60_000, watchMs: 100 };
  /** Watches for so long that signs of life come in between, however late timers are. */
  const patient = { ...pulse, watchMs: 600_000 };

  it("keeps its lock while it gives signs of life, whatever its number", async () => {
    const path = join(temporaryDirectory(), "lock");
    const lock = await takeLock(path, { ...options, space: container, pulse });
    // As a clock that was put forward by an hour makes it look.
    setAge(path, HOUR_MS);
    await refusal(takeLock(path, { ...options, pulse: patient }), "REGISTRY_LOCKED");
    lock.requireHeld();
    lock.release();
    expect(existsSync(path)).toBe(false);
  });

  it("gives them by the clock of the file system, and none after its end", async () => {
    const path = join(temporaryDirectory(), "lock");
    const lock = await takeLock(path, { ...options, pulse });
    const text = readFileSync(path, "utf8");
    setAge(path, HOUR_MS);
    const then = statSync(path).mtimeMs;
    while (statSync(path).mtimeMs === then) await sleep(1);
    expect(readFileSync(path, "utf8")).toBe(text);
    lock.release();
    writeFileSync(path, text);
    setAge(path, HOUR_MS);
    await sleep(20);
    expect(statSync(path).mtimeMs).toBeLessThan(Date.now() - HOUR_MS / 2);
  });

  it.each([
    ["in another container", { pidNamespace: "pid:[1]" }],
    ["before a restart", { boot: "another" }],
    ["on another machine", { host: "elsewhere", boot: "another" }],
  ])("loses it after a long silence: %s", async (_, other) => {
    const path = join(temporaryDirectory(), "lock");
    writeFileSync(path, JSON.stringify({ ...ownHolder({ ...here, ...other }, "other"), pid: process.pid }));
    setAge(path, HOUR_MS);
    const lock = await takeLock(path, { ...options, pulse });
    expect(readFileSync(path, "utf8")).not.toContain('"other"');
    lock.requireHeld();
    lock.release();
  });

  it("does not lose it after a short one, and is told of with what to do", async () => {
    const path = join(temporaryDirectory(), "lock");
    writeFileSync(path, JSON.stringify({ ...ownHolder(container, "other"), pid: 1 }));
    setAge(path, pulse.silentMs / 2);
    const error = await refusal(takeLock(path, { ...options, pulse }), "REGISTRY_LOCKED");
    expect(error.file).toBe(path);
    expect(error.detail).toMatch(/process 1 on node; .*another container.* 1 minutes after .*Delete the lock file/s);
  });

  it("that never promised signs of life does not lose it", async () => {
    const path = join(temporaryDirectory(), "lock");
    writeFileSync(path, JSON.stringify({ ...ownHolder(container, "other"), beats: undefined }));
    setAge(path, HOUR_MS);
    await refusal(takeLock(path, { ...options, pulse }), "REGISTRY_LOCKED");
  });
});

describe("who lost the lock", () => {
  it("is told, and changes nothing any more", async () => {
    const directory = await filled();
    const before = readFileSync(join(directory, "journal.jsonl"), "utf8");
    // The time is asked for while the lock is held.
    const clock = () => {
      writeFileSync(join(directory, "lock"), lockOf(process.ppid));
      return null;
    };
    const registry = await openRegistry(directory, { clock });
    await refusal(registry.add(randomFingerprint({ seed: 3 }), { name: "c" }), "REGISTRY_LOCKED");
    expect(readFileSync(join(directory, "journal.jsonl"), "utf8")).toBe(before);
    expect(existsSync(join(directory, "lock"))).toBe(true);
    rmSync(join(directory, "lock"));
    expect((await openRegistry(directory)).list().map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("is told too when the file is gone", async () => {
    const path = join(temporaryDirectory(), "lock");
    const lock = await takeLock(path, options);
    rmSync(path);
    expect(() => lock.requireHeld()).toThrow(expect.objectContaining({ code: "REGISTRY_LOCKED", file: path }));
    lock.release();
  });
});

const UNSHARE = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
const hasNamespaces = onLinux && spawnSync("unshare", [...UNSHARE, "true"]).status === 0;
const built = fileURLToPath(new URL("../../../dist/src/registry/lock.js", import.meta.url));

describe.runIf(hasNamespaces)("processes that are all number 1", () => {
  it("come in one at a time", async () => {
    const directory = temporaryDirectory();
    const place = join(directory, "registry");
    mkdirSync(place);
    writeFileSync(join(directory, "count"), "0");
    const script = `
      import { readFileSync, writeFileSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      const { withLock } = await import(process.argv[1]);
      const count = ${JSON.stringify(join(directory, "count"))};
      for (let turn = 0; turn < 5; turn++) {
        await withLock(${JSON.stringify(place)}, 600_000, async () => {
          const before = Number(readFileSync(count, "utf8"));
          await sleep(20);
          writeFileSync(count, String(before + 1));
        });
      }
      console.log(process.pid);`;
    const children = Array.from({ length: 4 }, () =>
      spawn("unshare", [...UNSHARE, process.execPath, "--input-type=module", "-e", script, built], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    const said = await Promise.all(
      children.map(async (child) => {
        let text = "";
        child.stdout.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        const [code] = await once(child, "close");
        return [code, text.trim()];
      }),
    );
    expect(said).toEqual(Array(4).fill([0, "1"]));
    expect(readFileSync(join(directory, "count"), "utf8")).toBe("20");
    expect(readdirSync(place)).toEqual([]);
  });
});
