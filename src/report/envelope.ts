import { withoutNonFinite } from "./finite.ts";
import type { Report } from "./schemas/index.ts";

/** Who made a result, and when; times are null where the same input must give the same bytes. */
export interface RunInfo {
  readonly version: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export type Body<R extends Report> = Omit<R, "schema" | "tool" | "startedAt" | "finishedAt" | "nonFinite">;

/** Puts the envelope around a result and takes out the numbers that JSON cannot hold. */
export function wrap<R extends Report>(schema: R["schema"], run: RunInfo, body: Body<R>): R {
  const { value, found } = withoutNonFinite(body);
  return {
    schema,
    tool: { name: "weightmark", version: run.version },
    ...(run.startedAt === null ? {} : { startedAt: run.startedAt }),
    ...(run.finishedAt === null ? {} : { finishedAt: run.finishedAt }),
    ...value,
    ...(found.length === 0 ? {} : { nonFinite: found }),
  } as unknown as R;
}
