import type { Migrations } from "../../registry/postgres/migrations.ts";

/**
 * A result is found by the BLAKE3 of its target's id, for an id may be longer than an index takes; `id` is UTF-16, big
 * endian: its byte order is the code-unit order in which results are listed, and it holds whatever a name can be made of.
 * Items are JSON in text, where U+0000 stands escaped: `jsonb` would refuse it.
 */
const CREATE = `
  CREATE TABLE weightmark.scan (
    scan uuid PRIMARY KEY,
    digest bytea NOT NULL,
    parameters text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
  );
  CREATE INDEX scan_digest ON weightmark.scan (digest, begun_at);

  CREATE TABLE weightmark.scan_result (
    scan uuid NOT NULL REFERENCES weightmark.scan ON DELETE CASCADE,
    key bytea NOT NULL,
    id bytea NOT NULL,
    passing boolean NOT NULL,
    item text NOT NULL,
    PRIMARY KEY (scan, key)
  );
`;

export const SCAN_TABLES: Migrations = { part: "scan", steps: [CREATE] };
