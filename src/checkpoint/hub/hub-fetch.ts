import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { MAX_HUB_PAGES } from "../limits.ts";
import type { Remote } from "../remote.ts";

const TOKEN_ADVICE = "If you may see it, set HF_TOKEN or name a `token`; a token is sent over https only.";
/** The Hub explains itself in a header; longer than this it only fills screens. */
const MAX_REASON = 200;

/** What a refusal of the Hub's API means. The Hub answers 401 for what is absent as well as for what is not shown. */
function refusal(response: Response, location: string): WeightmarkError {
  const { status } = response;
  const hubCode = response.headers.get("x-error-code") ?? "";
  const reason = (response.headers.get("x-error-message") ?? "").slice(0, MAX_REASON);
  const refuse = (code: ErrorCode, message: string, detail?: string) =>
    new WeightmarkError(code, message, { file: location, detail });
  if (hubCode === "GatedRepo") {
    return refuse("HUB_GATED", "the repository is gated", "Ask for access on its page, then set HF_TOKEN.");
  }
  if (hubCode === "RevisionNotFound") {
    const advice = "Look at its branches and tags; a / that belongs to a revision is written %2F.";
    return refuse("HUB_REPOSITORY_NOT_FOUND", "the repository has no such revision", advice);
  }
  if (status === 401 && /credentials|token/i.test(reason)) {
    return refuse(
      "HTTP_UNAUTHORIZED",
      "the Hub does not accept the token",
      "Check where it is from: `token`, HF_TOKEN or `hf auth login`.",
    );
  }
  if (status === 401 || status === 404 || status === 410) {
    return refuse("HUB_REPOSITORY_NOT_FOUND", "the Hub has no such repository, or does not show it", TOKEN_ADVICE);
  }
  if (status === 403) return refuse("HTTP_FORBIDDEN", "the Hub refuses access (403)", TOKEN_ADVICE);
  if (status === 429) return refuse("HTTP_RATE_LIMITED", "the Hub asks to wait (429)", "Try again in five minutes.");
  if (status >= 500) return refuse("HTTP_SERVER_FAILED", `the Hub failed (${status})`, "Try again later.");
  return refuse("HTTP_STATUS", `the Hub answered ${status}`);
}

/**
 * `fetch` for the Hub's library: to the Hub's origin and nowhere else, whatever the links between pages say (CWE-918);
 * bounded in pages; every refusal becomes one of ours.
 *
 * @param location what messages call the repository or organisation that is looked up
 */
export function hubFetch(remote: Remote, location: string): typeof globalThis.fetch {
  const { origin } = new URL(remote.endpoint);
  let pages = 0;
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    if (!URL.canParse(address) || new URL(address).origin !== origin) {
      throw new WeightmarkError("HUB_RESPONSE_INVALID", "a page of the listing leads to another server", {
        file: location,
      });
    }
    if (++pages > MAX_HUB_PAGES) {
      throw new WeightmarkError("HUB_RESPONSE_INVALID", `the listing has more than ${MAX_HUB_PAGES} pages`, {
        file: location,
      });
    }
    const response = await remote.client.fetch(input, init);
    if (response.ok) return response;
    await response.body?.cancel();
    throw refusal(response, location);
  };
}

/**
 * What the library trips over: no JSON, values of other kinds than the Hub gives, and arrays that are nested until the stack
 * ends.
 */
const TRIPPED = [SyntaxError, TypeError, RangeError];

/** Runs a call of the Hub's library; what it trips over is no JSON, or none of the shape that the Hub gives. */
export async function hubCall<T>(location: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!TRIPPED.some((kind) => error instanceof kind)) throw error;
    // Not its message: it quotes what the server sent.
    throw invalidResponse(location, "it is not the JSON that it should be", error);
  }
}

export function invalidResponse(location: string, why: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("HUB_RESPONSE_INVALID", `the Hub's answer cannot be used: ${why}`, {
    file: location,
    cause,
  });
}
