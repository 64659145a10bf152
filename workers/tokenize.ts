import { tokenizeTask } from "../src/quality/tokenize-task.ts";
import { answering } from "../src/threads/reply.ts";

/** Work of a thread: a text for a tokenizer that may never come to an end. */
export default answering(tokenizeTask);
