/**
 * Digests of all that weightmark computes and writes, on the examples and on drawn models of many kinds: two checkouts that
 * print the same compute the same. A change of the house alone must not change a line.
 *
 *   npm run --silent build && node scripts/golden.mjs > after.txt && diff before.txt after.txt
 *
 * Each line is the digest of a file that was written, or of what a command printed together with its exit code. Times, costs
 * and places are left out of both.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { KINDS } from "../benchmarks/calibration/kinds.mjs";
import { drawOne, drawReference } from "../benchmarks/calibration/same-features.mjs";
import { serializeSafetensors } from "../dist/src/formats/safetensors/writer.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "bin/weightmark.js");
const work = mkdtempSync(join(tmpdir(), "weightmark-golden-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
cpSync(join(root, "examples/models"), join(work, "models"), { recursive: true });
cpSync(join(root, "LICENSE"), join(work, "text.md"));
copyFileSync(join(root, "examples/demo.key"), join(work, "demo.key"));
chmodSync(join(work, "demo.key"), 0o600);

/** Places that other people's machines do not have must not be looked at. */
const env = {
  PATH: process.env.PATH,
  HOME: work,
  XDG_CACHE_HOME: join(work, "cache"),
  XDG_STATE_HOME: join(work, "state"),
  TERM: "dumb",
};

const digestOf = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 32);
const print = (name, bytes) => console.log(`${digestOf(bytes)}  ${name}`);

/** Runs a command, and prints what it printed and what it wrote into `written`. */
function run(args, written = []) {
  const all = [command, ...args, "--deterministic", "--redact-paths", "--no-progress"];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: work, env, maxBuffer: 1 << 28 });
  print(args.join(" "), Buffer.concat([Buffer.from(`${status}\n`), stdout, Buffer.from("\n"), stderr]));
  for (const path of written) {
    for (const file of filesOf(join(work, path))) {
      print(`${args.join(" ")} -> ${relative(work, file)}`, readFileSync(file));
    }
  }
}

function filesOf(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

const models = readdirSync(join(work, "models")).sort();
for (const model of models) {
  const at = `models/${model}`;
  run(["inspect", at, "--json"]);
  for (const depth of ["sampled", "full"]) {
    const out = `${model}-${depth}.fingerprint.safetensors`;
    run(["fingerprint", at, "--depth", depth, "-o", out], [out]);
  }
  run(["watermark", "capacity", at, "--json"]);
  run(["watermark", "verify", at, "--key", "demo.key", "--json"]);
}
for (const format of ["json", "text"]) {
  for (const suspect of models) {
    for (const base of models) {
      if (suspect !== base) run(["compare", `models/${suspect}`, `models/${base}`, "--format", format]);
    }
  }
}
for (const base of ["base-a", "base-b"]) {
  run(["registry", "add", `models/${base}`, "--root", "--registry", "registry"], ["registry/fingerprints"]);
}
print("registry/codes.bin", readFileSync(join(work, "registry/codes.bin")));
run(["registry", "list", "--registry", "registry", "--json"]);
for (const suspect of models) run(["identify", `models/${suspect}`, "--registry", "registry", "--json"]);
for (const format of ["json", "sarif", "cyclonedx"]) {
  run(["scan", "models", "--registry", "registry", "--no-cache", "--restart", "--jobs", "1", "--format", format]);
}
const embeds = {
  plain: [],
  strong: ["--strength", "strong"],
  bare: ["--no-sketch", "--payload", "acme-002"],
};
for (const [name, options] of Object.entries(embeds)) {
  const to = `marked-${name}`;
  run(["watermark", "embed", "models/base-b", "-o", to, "--key", "demo.key", "--unpublished", ...options], [to]);
  run(["watermark", "verify", to, "--key", "demo.key", "--json"]);
}
run(
  ["watermark", "embed", "models/finetune", "--base", "models/base-a", "-o", "marked-difference", "--key", "demo.key"],
  ["marked-difference"],
);
run(["watermark", "verify", "marked-difference", "--base", "models/base-a", "--key", "demo.key", "--json"]);
run(["quality", "models/base-b", "marked-plain", "--text", "text.md", "--max-tokens", "1024", "--json"]);

/** Two models of one kind, as files. */
for (const [kind, made] of KINDS) {
  const one = made.variants?.[0] ?? made;
  const reference = drawReference(one, 1);
  const paths = [1, 2].map((number) => {
    const path = `zoo/${kind.replace(/[^a-z0-9]+/gi, "-")}-${number}.safetensors`;
    mkdirSync(join(work, "zoo"), { recursive: true });
    writeFileSync(join(work, path), safetensors(drawOne(one, reference, number, number)));
    return path;
  });
  const out = `${paths[0]}.fingerprint`;
  run(["fingerprint", paths[0], "-o", out], [out]);
  run(["compare", paths[0], paths[1], "--json"]);
  run(["watermark", "capacity", paths[0], "--json"]);
}

/** Tensors [name, shape, values] as a safetensors file of F32. */
function safetensors(list) {
  return serializeSafetensors(
    list.map(([name, shape, { buffer, byteOffset, byteLength }]) => {
      return { name, dtype: "F32", shape, data: new Uint8Array(buffer, byteOffset, byteLength) };
    }),
  );
}
