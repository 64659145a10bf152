import { runQualityTask } from "../src/quality/quality-task.ts";
import { answering } from "../src/threads/reply.ts";

/** Work of a thread: one batch of tokens through two models. */
export default answering(runQualityTask);
