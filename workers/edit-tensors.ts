import type { EditTask } from "../src/watermark/copy/edit-task.ts";
import { type EditReply, type FilePair, performTask, Scratch } from "../src/watermark/copy/perform-task.ts";

const scratch = new Scratch();

/** Entry point of a worker thread: one stretch of one file, edited into the marked copy. */
export default function run({ task, files }: { task: EditTask; files: FilePair }): Promise<EditReply> {
  return performTask(task, files, scratch);
}
