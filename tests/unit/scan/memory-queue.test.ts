import { MemoryQueue } from "../../../src/scan/memory-queue.ts";
import { jobQueueContract } from "../../support/job-queue.contract.ts";

jobQueueContract("a queue in memory", {
  create: async () => new MemoryQueue({ tries: 3 }),
  another: async () => null,
});
