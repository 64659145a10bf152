import { answering } from "../src/threads/reply.ts";
import { readSpreadTask, type SpreadTask } from "../src/watermark/carriers/spread/read-task.ts";

/** Work of a thread: rows of matrices to the sums of the spread carrier. */
export default answering((task: SpreadTask) => readSpreadTask(task));
