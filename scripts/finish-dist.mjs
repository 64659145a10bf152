// Finishes what the compiler wrote, so that dist mirrors the sources: `new URL("./kernels.wasm", import.meta.url)` holds in
// both, and nothing is published whose source is gone.
import { copyFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const ASSETS = [join("src", "kernels", "kernels.wasm")];
for (const asset of ASSETS) copyFileSync(join(root, asset), join(root, "dist", asset));

for (const name of readdirSync(join(root, "dist"), { recursive: true })) {
  const source = name.replace(/(?:\.d\.([cm]?)ts|\.([cm]?)js)$/, ".$1$2ts");
  if (!existsSync(join(root, source))) rmSync(join(root, "dist", name), { recursive: true, force: true });
}
