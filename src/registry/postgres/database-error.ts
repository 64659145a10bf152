import { WeightmarkError } from "../../errors.ts";

/** What to do about an error: try on a new connection, run the transaction again, or report it. */
export type Fault = "lost" | "conflict" | "final";

const LOST_SYSTEM = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  // A unix socket that is gone while the server restarts.
  "ENOENT",
]);

/** Shut down or starting (57P0x), connections all taken, a standby after a failover (25006), connection classes (08). */
const LOST_STATES = /^(57P0[1-5]|53300|25006|08...)$/;
/** A standby, which may be made the primary at any moment, or a database that was set so: told when no try is left. */
const READ_ONLY = "25006";
const CONFLICT_STATES = new Set(["40001", "40P01"]);
/** Wrong user, password or database; not allowed; not there; damaged. */
const REFUSED_STATES = /^(28...|3D000|42501)$/;
/** The driver's own words where it has no code. */
const LOST_WORDS = /^(Connection terminated|timeout exceeded|Query read timeout|Client (was closed|has encountered))/;

function stateOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

export function faultOf(error: unknown): Fault {
  if (error instanceof WeightmarkError || !(error instanceof Error)) return "final";
  const state = stateOf(error);
  // Several addresses of one name, none of which answered.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(faultOf)[0]!;
  if (LOST_SYSTEM.has(state) || LOST_STATES.test(state) || LOST_WORDS.test(error.message)) return "lost";
  return CONFLICT_STATES.has(state) ? "conflict" : "final";
}

/**
 * An error of the driver or the server as one of ours. Server messages name users and tables, never passwords; the
 * driver's objects hold the connection's settings, so they are not passed on as a cause.
 */
export function databaseError(error: unknown, shown: string): unknown {
  if (error instanceof WeightmarkError || !(error instanceof Error)) return error;
  const state = stateOf(error);
  const fault = faultOf(error);
  const why = error instanceof AggregateError ? `no address answers (${state || "unknown"})` : error.message;
  const make = (code: "DATABASE_UNREACHABLE" | "DATABASE_REFUSED" | "WRITE_FAILED", message: string, detail: string) =>
    new WeightmarkError(code, message, { file: shown, detail });
  if (state === READ_ONLY) {
    return make(
      "DATABASE_UNREACHABLE",
      `the database may only be read: ${why}`,
      "Name the server that takes writes, or lift default_transaction_read_only.",
    );
  }
  if (fault === "lost") {
    return make(
      "DATABASE_UNREACHABLE",
      `the database cannot be reached: ${why}`,
      "Is it running, and is this its host and port?",
    );
  }
  if (state === "57014") {
    return make("DATABASE_UNREACHABLE", "the database did not answer in time", "Look at its load, then try again.");
  }
  if (/^53[12]/.test(state)) {
    return make("WRITE_FAILED", `the database has no room: ${why}`, "Make room on its disk, then try again.");
  }
  if (REFUSED_STATES.test(state)) {
    return make(
      "DATABASE_REFUSED",
      `the database refuses: ${why}`,
      "Check user, password, database and privileges (docs/database.md).",
    );
  }
  // A server's SQLSTATE has five characters; system and TLS errors have longer names.
  if (/^[0-9A-Z]{5}$/.test(state)) {
    return make(
      "DATABASE_REFUSED",
      `the database refuses: ${why} (${state})`,
      "Check that its tables are weightmark's own.",
    );
  }
  if (/SSL|TLS|CERT|SIGNED|self.signed/i.test(`${state} ${why}`)) {
    return make(
      "DATABASE_REFUSED",
      `no trusted connection: ${why}`,
      "Check sslmode and sslrootcert in the database URL.",
    );
  }
  if (/SASL|SCRAM|password/i.test(why)) {
    return make(
      "DATABASE_REFUSED",
      "the database asks for a password, or refuses the one given",
      "Give it in PGPASSWORD or a password file.",
    );
  }
  return error;
}
