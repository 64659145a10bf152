import { type QualityReply, type QualityTask, runQualityTask } from "../src/quality/quality-task.ts";

/** Entry point of a worker thread: one batch of tokens through two models. */
export default function run(task: QualityTask): Promise<QualityReply> {
  return runQualityTask(task);
}
