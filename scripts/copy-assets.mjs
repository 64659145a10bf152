// dist mirrors the sources, so that `new URL("./kernels.wasm", import.meta.url)` holds in both.
import { copyFileSync, mkdirSync } from "node:fs";

const from = new URL("../src/kernels/kernels.wasm", import.meta.url);
const to = new URL("../dist/src/kernels/kernels.wasm", import.meta.url);
mkdirSync(new URL(".", to), { recursive: true });
copyFileSync(from, to);
