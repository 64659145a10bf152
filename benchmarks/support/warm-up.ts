import { Blake3 } from "../../src/kernels/blake3.ts";
import { loadKernels } from "../../src/kernels/load-kernels.ts";
import { momentsAt } from "../../src/kernels/moments.ts";

/**
 * Calls the hot kernels until the engine has compiled them with its optimising compiler (some 30 ms): until then they
 * run at about a quarter of their speed. Worth it before gigabytes, not before megabytes.
 */
export function warmUpKernels(): void {
  const kernels = loadKernels();
  kernels.arena.scope(() => {
    const bytes = 1 << 18;
    const pointer = kernels.arena.alloc(bytes);
    kernels.arena.u8(pointer, bytes).fill(0x3c);
    for (let i = 0; i < 20; i++) {
      new Blake3(kernels).updateAt(pointer, bytes);
      momentsAt(kernels, pointer, bytes / 2, "BF16", 1);
      momentsAt(kernels, pointer, bytes / 2, "F16", 1);
      momentsAt(kernels, pointer, bytes / 4, "F32", 1);
    }
  });
}
