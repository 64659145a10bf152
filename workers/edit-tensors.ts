import { answering } from "../src/threads/reply.ts";
import { type EditJob, performTask, Scratch } from "../src/watermark/copy/perform-task.ts";

const scratch = new Scratch();

/** Work of a thread: one stretch of one file, edited into the marked copy. */
export default answering(({ task, files }: EditJob) => performTask(task, files, scratch));
