import { type ErrorData, errorData } from "../errors.ts";

/** What a thread answers: an error loses its class on the way between threads, so that ours travel as data. */
export type Reply<Value> = { readonly value: Value } | { readonly error: ErrorData };

/** What a file of `workers/` exports: work whose errors reach the caller of `ThreadPool.run` as what they are. */
export function answering<Task, Value>(
  work: (task: Task) => Value | Promise<Value>,
): (task: Task) => Promise<Reply<Value>> {
  return async (task) => {
    try {
      return { value: await work(task) };
    } catch (error) {
      return { error: errorData(error) };
    }
  };
}
