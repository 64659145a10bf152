import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashFiles } from "../signing/hash-files.ts";
import { listFiles } from "../signing/listing.ts";
import { compareNames } from "../signing/manifest.ts";
import type { Environment } from "./case-document.ts";

/** Folders of the tool that run, below where this file was built to. What it depends on is not in them. */
const OWN = ["src", "workers"];
/** Declarations are for compilers: they run nothing. */
const RUNS = /\.(?:[cm]?js|wasm|json)$|(?<!\.d)\.[cm]?ts$/;

/** What a case records of the program that wrote it: the digest is over path and SHA-256 of each of its own files, by path. */
export async function currentEnvironment(version: string): Promise<Environment> {
  return {
    tool: { name: "weightmark", version, digest: await ownDigest() },
    node: process.versions.node,
    platform: `${process.platform}/${process.arch}`,
  };
}

let known: Promise<string> | null = null;

/** Once a process: its files are loaded, whatever becomes of them on the disk. */
function ownDigest(): Promise<string> {
  known ??= digestFiles(fileURLToPath(new URL("../..", import.meta.url)));
  return known;
}

async function digestFiles(root: string): Promise<string> {
  const folders = OWN.filter((folder) => existsSync(join(root, folder)));
  const listings = await Promise.all(
    folders.map((folder) =>
      listFiles(join(root, folder), { ignored: new Set(), followLinks: true, allowLinks: [root] }),
    ),
  );
  const files = listings.flatMap((listing, i) =>
    listing.files
      .filter(({ path }) => RUNS.test(path))
      .map((file) => ({ ...file, path: `${folders[i]}/${file.path}` })),
  );
  files.sort((a, b) => compareNames(a.path, b.path));
  const digests = await hashFiles(
    files.map(({ path, place, size }) => ({ place, shown: path, start: 0, end: size, size })),
    "sha256",
  );
  const hash = createHash("sha256");
  files.forEach(({ path }, i) => {
    hash.update(`${JSON.stringify([path, digests[i]])}\n`);
  });
  return hash.digest("hex");
}
