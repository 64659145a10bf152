// Builds @tensorflow/tfjs-node against the TensorFlow library of the `tensorflow-cpu` wheel, for machines that cannot
// reach the server its install script downloads from (and for npm versions that run no install scripts).
//
//   node scripts/build-tfjs.mjs [directory]     default .cache/tfjs
//
// Needs Linux, python3 with pip, make and a C++ compiler; about 1.5 GB of disk and a 300 MB download, once. Afterwards
// NODE_PATH=<directory>/node_modules lets weightmark find it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const TFJS = "4.22.0";
const TENSORFLOW = "2.21.0";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const directory = resolve(process.argv[2] ?? join(root, ".cache", "tfjs"));
const pkg = join(directory, "node_modules", "@tensorflow", "tfjs-node");
const deps = join(pkg, "deps");

/** Extracts the members of a wheel whose names start with one of the prefixes, without the leading "tensorflow/". */
const UNPACK = `
import os, shutil, sys, zipfile
wheel, target, *pairs = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        for pair in pairs:
            prefix, to = pair.split("=")
            if name.startswith(prefix) and not name.endswith("/"):
                path = os.path.join(target, to + name[len(prefix):])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with z.open(name) as source, open(path, "wb") as out:
                    shutil.copyfileobj(source, out)
`;

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: "inherit", ...options });
}

function install() {
  mkdirSync(directory, { recursive: true });
  run("npm", [
    ...[
      "install",
      "--prefix",
      directory,
      "--ignore-scripts",
      "--no-save",
      "--no-package-lock",
      "--no-audit",
      "--no-fund",
    ],
    `@tensorflow/tfjs-node@${TFJS}`,
  ]);
}

function unpackLibrary() {
  const wheels = join(directory, "wheel");
  run("python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", wheels, `tensorflow-cpu==${TENSORFLOW}`]);
  const wheel = readdirSync(wheels).find((name) => name.endsWith(".whl"));
  const headers = ["tensorflow/c/", "tensorflow/core/platform/", "tsl/", "xla/"];
  run("python3", [
    ...["-c", UNPACK, join(wheels, wheel), deps],
    "tensorflow/libtensorflow_cc.so.2=lib/libtensorflow_cc.so.2",
    "tensorflow/libtensorflow_framework.so.2=lib/libtensorflow_framework.so.2",
    ...headers.flatMap((name) => [
      `tensorflow/include/${name}=include/${name}`,
      `tensorflow/include/external/local_xla/${name}=include/${name}`,
    ]),
  ]);
  // The names the binding was linked against in the release that its own download provides.
  link("libtensorflow_cc.so.2", "libtensorflow.so");
  link("libtensorflow_cc.so.2", "libtensorflow.so.2.9.1");
  link("libtensorflow_framework.so.2", "libtensorflow_framework.so");
}

function link(target, name) {
  const path = join(deps, "lib", name);
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function compile() {
  // Headers beside the running Node, where they are; node-gyp downloads them otherwise.
  const prefix = dirname(dirname(process.execPath));
  const local = existsSync(join(prefix, "include", "node", "node.h")) ? { npm_config_nodedir: prefix } : {};
  const tool = join(directory, "node_modules", ".bin", "node-pre-gyp");
  run(tool, ["install", "--build-from-source"], { cwd: pkg, env: { ...process.env, ...local } });
}

if (!existsSync(join(pkg, "package.json"))) install();
if (!existsSync(join(deps, "lib", "libtensorflow.so.2.9.1"))) unpackLibrary();
if (!existsSync(join(pkg, "lib", "napi-v8", "tfjs_binding.node"))) compile();
console.log(`NODE_PATH=${join(directory, "node_modules")}`);
