import { readSpreadTask, type SpreadReply, type SpreadTask } from "../src/watermark/carriers/spread/read-task.ts";

/** Entry point of a worker thread: rows of matrices to the sums of the spread carrier. */
export default function run(task: SpreadTask): Promise<SpreadReply> {
  return readSpreadTask(task);
}
