import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface ConsumerProject {
  readonly directory: string;
  /** The package as it is installed there. */
  readonly installed: string;
}

/**
 * A project that has installed what would be published: the tarball of the built tree, what it depends on, and Node's
 * types, which anyone who writes for Node has. What only our own development needs is not there.
 */
export function consumerProject(directory: string): ConsumerProject {
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", directory], { cwd: ROOT });
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz"))!;
  execFileSync("tar", ["-xzf", tarball], { cwd: directory });
  const installed = join(directory, "node_modules", "weightmark");
  mkdirSync(dirname(installed));
  renameSync(join(directory, "package"), installed);
  for (const name of [...dependenciesOf(installed), "@types/node"]) {
    const link = join(directory, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link, "junction");
  }
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  return { directory, installed };
}

/** What it works with where somebody has installed it. */
export function optionalPeersOf(installed: string): string[] {
  const { peerDependenciesMeta } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    peerDependenciesMeta: Record<string, { optional: boolean }>;
  };
  return Object.keys(peerDependenciesMeta);
}

export function dependenciesOf(installed: string): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies);
}
