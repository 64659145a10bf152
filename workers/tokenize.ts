import { type TokenizeReply, type TokenizeTask, tokenizeTask } from "../src/quality/tokenize-task.ts";

/** Entry point of a worker thread: a text for a tokenizer that may never come to an end. */
export default function run(task: TokenizeTask): Promise<TokenizeReply> {
  return tokenizeTask(task);
}
