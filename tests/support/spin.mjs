// Loaded before a command (--import): some time after it has begun, the main thread calculates for ever. Not that of the first
// process of a container, which calculates nothing.
import { writeSync } from "node:fs";

if (process.pid !== 1) {
  setTimeout(() => {
    writeSync(2, "spinning\n");
    for (;;);
  }, 700);
}
