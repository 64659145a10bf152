import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A file system in memory that is as full, or as forbidden, as a test wants it. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the room but so many bytes. */
  fill(left: number): void;
  /** Gives the room back. */
  empty(): void;
  setReadOnly(readOnly: boolean): void;
  remove(): void;
}

/** Null where one cannot be made: on Linux root may. */
export function smallDisk(path: string, size: string): SmallDisk | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return null;
  mkdirSync(path, { recursive: true });
  const made = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=777`, "tmpfs", path], { stdio: "ignore" });
  if (made.status !== 0) return null;
  const ballast = join(path, "ballast");
  return {
    path,
    fill(left) {
      const { bavail, bsize } = statfsSync(path);
      const file = openSync(ballast, "w");
      writeSync(file, Buffer.alloc(Math.max(0, bavail * bsize - left), 1));
      closeSync(file);
    },
    empty: () => rmSync(ballast, { force: true }),
    setReadOnly: (readOnly) => execFileSync("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, path]),
    remove: () => execFileSync("umount", ["-l", path]),
  };
}
