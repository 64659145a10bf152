import type { IdentifyReport } from "../schemas/index.ts";

/** What both `compare` and `identify` say of a pair. */
export type Comparison = NonNullable<IdentifyReport["comparison"]>;
