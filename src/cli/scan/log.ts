import { escapeText, toJson } from "../../report/escape.ts";
import { inFlags } from "../advice.ts";

export type LogFormat = "text" | "json";
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What happened, in words of the program and values of any origin. No secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Log {
  write(level: LogLevel, event: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly format: LogFormat;
  readonly stream: { write(text: string): unknown };
  /** The least that is written. */
  readonly level: LogLevel;
  readonly redact: (text: string) => string;
  /** Before a line is written: a progress bar has to be off the line. */
  readonly before?: () => void;
  /** ISO 8601. */
  readonly now?: () => string;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Lines on stderr: one JSON object each, or for people. */
export function createLog(options: LogOptions): Log {
  const { format, stream, redact, before = () => {}, now = () => new Date().toISOString() } = options;
  const least = LEVELS.indexOf(options.level);
  return {
    write(level, event, fields = {}) {
      if (LEVELS.indexOf(level) < least) return;
      const shown = Object.entries(fields).map(([key, value]) => {
        return [key, typeof value === "string" ? redact(key === "detail" ? inFlags(value) : value) : value] as const;
      });
      before();
      if (format === "json") {
        stream.write(`${toJson({ time: now(), level, event, ...Object.fromEntries(shown) }, 0)}\n`);
      } else {
        const details = shown
          .filter(([, value]) => value !== null)
          .map(([key, value]) => `${key} ${escapeText(String(value))}`)
          .join(", ");
        stream.write(`weightmark: ${event}${details === "" ? "" : `: ${details}`}\n`);
      }
    },
  };
}
