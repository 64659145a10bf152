import { type ContentReply, type ContentTask, readTensors } from "../src/fingerprint/content-task.ts";

/** Entry point of a worker thread: every byte of a batch of tensors, once. */
export default function run(task: ContentTask): Promise<ContentReply> {
  return readTensors(task);
}
