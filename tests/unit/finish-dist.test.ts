import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("a build holds what has a source, the kernels and the order of what threads load, and nothing of an earlier one", () => {
  const tree = temporaryDirectory();
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  };
  cpSync(join(ROOT, "scripts", "finish-dist.mjs"), join(tree, "scripts", "finish-dist.mjs"));
  for (const name of ["src/kernels/kernels.wasm", "src/a.ts", "workers/b.ts", "workers/c.cts"]) write(name, "source");
  const kept = [
    "src/a.js",
    "src/a.d.ts",
    "src/kernels/kernels.wasm",
    "workers/b.js",
    "workers/c.cjs",
    "workers/c.d.cts",
  ];
  const gone = [
    "src/old.js",
    "src/old.d.ts",
    "src/kernels/old.wasm",
    "src/lost/a.js",
    "elsewhere/a.js",
    "workers/b.cjs",
  ];
  for (const name of [...kept, ...gone]) write(`dist/${name}`, "earlier");
  write("dist/src/a.js", "export {};");
  write("dist/workers/b.js", `import {\n  c,\n} from "../src/a.js";\nimport "node:fs";\nexport default c;\n`);
  execFileSync(process.execPath, [join(tree, "scripts", "finish-dist.mjs")]);
  const left = readdirSync(join(tree, "dist"), { recursive: true, encoding: "utf8" });
  expect(left.sort()).toEqual(
    [...kept, "src", "src/kernels", "workers", "workers/order.json"].map((name) => join(...name.split("/"))).sort(),
  );
  expect(readFileSync(join(tree, "dist/src/kernels/kernels.wasm"), "utf8")).toBe("source");
  const order = JSON.parse(readFileSync(join(tree, "dist/workers/order.json"), "utf8"));
  expect(order).toEqual({ b: ["../src/a.js", "./b.js"] });
});
