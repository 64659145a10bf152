import type { WorkerEvent } from "../../scan/index.ts";
import type { Log, LogFields, LogLevel } from "../scan/log.ts";

type Line = readonly [level: LogLevel, event: string, fields?: LogFields];

/** One line for what happened to a worker. Names of models are values: escaped by the log. */
export function logEvent(log: Log, event: WorkerEvent): void {
  log.write(...lineOf(event));
}

function lineOf(event: WorkerEvent): Line {
  switch (event.type) {
    case "ready":
      return ["info", "ready", { database: event.database, metrics_port: event.metrics }];
    case "taken": {
      const { scan, target } = event.job;
      return ["debug", "begun", { scan, target: target.id, attempt: event.attempt }];
    }
    case "item": {
      const { id, status, verdict, failure, elapsedMs, bytesRead } = event.item;
      const outcome = { status, verdict, code: failure?.code ?? null, elapsed_ms: elapsedMs, bytes_read: bytesRead };
      const again = event.again ? { again: true } : {};
      return ["info", "item", { scan: event.scan, target: id, attempt: event.attempt, ...outcome, ...again }];
    }
    case "released":
      return ["info", "given back", { scan: event.job.scan, target: event.job.target.id }];
    case "declined": {
      const { code, message, detail, file = null } = event.error;
      return ["warn", "scan left to others", { scan: event.scan, code, message, detail, file }];
    }
    case "unwanted":
      return ["warn", "result not wanted any more", { scan: event.scan, target: event.id }];
    case "trouble": {
      const { code, message, detail, file = null } = event.error;
      return ["warn", "trouble", { code, message, detail, file }];
    }
    case "draining":
      return [
        "warn",
        "draining",
        {
          message: "models that are being read may end; once more to stop at once",
        },
      ];
    case "stopped":
      return ["info", "stopped"];
  }
}
