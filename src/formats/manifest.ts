import type { z } from "zod";

/**
 * JSON that fits a schema.
 *
 * @param refused makes the error for what does not, from a reason in words
 */
export function parseManifest<T>(
  schema: z.ZodType<T>,
  text: string,
  refused: (why: string, cause?: unknown) => Error,
): T {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw refused("its manifest is not JSON", cause);
  }
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw refused(`its manifest is wrong at ${issue.path.join(".")}: ${issue.message}`);
}
