// Finishes what the compiler wrote, so that dist mirrors the sources: `new URL("./kernels.wasm", import.meta.url)` holds in
// both, and nothing is published whose source is gone.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const ASSETS = [join("src", "kernels", "kernels.wasm")];
for (const asset of ASSETS) copyFileSync(join(root, asset), join(root, "dist", asset));

for (const name of readdirSync(join(root, "dist"), { recursive: true })) {
  const source = name.replace(/(?:\.d\.([cm]?)ts|\.([cm]?)js)$/, ".$1$2ts");
  if (!existsSync(join(root, source))) rmSync(join(root, "dist", name), { recursive: true, force: true });
}

// What each thread loads, what is needed first: see workers/entry.cts.
const workers = join(root, "dist", "workers");
const order = {};
for (const name of readdirSync(workers)
  .filter((each) => each.endsWith(".js"))
  .sort()) {
  order[name.slice(0, -3)] = [...modulesOf(join(workers, name))].map((path) => {
    const specifier = relative(workers, path).replaceAll("\\", "/");
    return specifier.startsWith(".") ? specifier : `./${specifier}`;
  });
}
writeFileSync(join(workers, "order.json"), `${JSON.stringify(order)}\n`);

/** A module and all that it imports by a path, each behind what it imports itself. */
function modulesOf(path, known = new Set(), open = new Set()) {
  if (known.has(path) || open.has(path)) return known;
  open.add(path);
  const text = readFileSync(path, "utf8");
  for (const [, specifier] of text.matchAll(/^(?:import|export)\b(?:[^;"']*\bfrom)?\s*["'](\.[^"']+\.js)["']/gm)) {
    modulesOf(join(dirname(path), specifier), known, open);
  }
  return known.add(path);
}
