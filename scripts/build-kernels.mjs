// Compiles src/kernels/assembly to src/kernels/kernels.wasm. With --check it writes nothing and fails when the
// committed file is not what the sources give.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = new URL("../src/kernels/kernels.wasm", import.meta.url);

/** The bytes of kernels.wasm as the sources give them. */
export async function compileKernels() {
  let wasm;
  const options = ["-O3", "--converge", "--noAssert", "--enable", "simd", "--runtime", "stub", "--initialMemory", "1"];
  const { error, stderr } = await asc.main(
    ["src/kernels/assembly/index.ts", "--baseDir", root, "--outFile", "kernels.wasm", "--use", "abort=", ...options],
    {
      writeFile: (name, contents) => {
        if (name === "kernels.wasm") wasm = contents;
      },
    },
  );
  if (error || wasm === undefined) throw new Error(stderr.toString(), { cause: error });
  return Buffer.from(wasm);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wasm = await compileKernels();
  if (!process.argv.includes("--check")) writeFileSync(target, wasm);
  else if (!wasm.equals(readFileSync(target))) {
    console.error("kernels.wasm is not what src/kernels/assembly compiles to: run npm run build:kernels");
    process.exitCode = 1;
  }
}
