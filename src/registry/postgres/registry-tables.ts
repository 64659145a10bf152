import type { Migrations } from "./migrations.ts";

/**
 * Names and families are UTF-8 in bytea: a name may hold U+0000, which PostgreSQL's text cannot. Codes and fingerprints are
 * random bits, so no time goes into compressing them, and a piece of a fingerprint can be read by itself.
 */
const CREATE = `
  CREATE TABLE weightmark.registry_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    generation bigint NOT NULL,
    updated_at text
  );
  INSERT INTO weightmark.registry_state (generation) VALUES (0);

  CREATE TABLE weightmark.registry_entry (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    name bytea NOT NULL UNIQUE,
    root boolean NOT NULL,
    added_at text,
    bytes bigint NOT NULL,
    version int NOT NULL,
    family bytea NOT NULL,
    depth text NOT NULL CHECK (depth IN ('sampled', 'full')),
    parameters bigint NOT NULL,
    generation bigint NOT NULL,
    codes bytea NOT NULL CHECK (octet_length(codes) % 40 = 0)
  );
  ALTER TABLE weightmark.registry_entry ALTER COLUMN codes SET STORAGE EXTERNAL;
  CREATE INDEX registry_entry_generation ON weightmark.registry_entry (generation);

  CREATE TABLE weightmark.registry_fingerprint (
    digest bytea PRIMARY KEY REFERENCES weightmark.registry_entry ON DELETE CASCADE,
    data bytea NOT NULL
  );
  ALTER TABLE weightmark.registry_fingerprint ALTER COLUMN data SET STORAGE EXTERNAL;

  CREATE TABLE weightmark.registry_removal (
    generation bigint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (generation, digest)
  );
`;

/** Which components come from other entries: see `encodeParts`. Old entries have none, and no row is rewritten for it. */
const ADD_PARTS = "ALTER TABLE weightmark.registry_entry ADD COLUMN parts bytea NOT NULL DEFAULT ''";

export const REGISTRY_TABLES: Migrations = { part: "registry", steps: [CREATE, ADD_PARTS] };
