import { type ContentTask, readTensors } from "../src/fingerprint/content-task.ts";
import { answering } from "../src/threads/reply.ts";

/** Work of a thread: every byte of a batch of tensors, once. */
export default answering((task: ContentTask) => readTensors(task));
