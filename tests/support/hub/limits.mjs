/**
 * Rate limits as the Hub says them: fixed windows for each kind of request, told apart by token or else by address.
 *
 * Headers from https://huggingface.co/docs/hub/rate-limits and huggingface_hub issue 3553:
 *   ratelimit: "resolvers";r=2997;t=258
 *   ratelimit-policy: "fixed window";"resolvers";q=3000;w=300
 */

/** @param limits {api, resolvers, windowSeconds}: requests in a window; null counts nothing and says nothing */
export function rateLimits(limits, now) {
  const windows = new Map();
  if (limits === null) return { take: () => ({ refused: false, headers: {} }) };
  const seconds = limits.windowSeconds ?? 300;
  return {
    /** Counts a request of `kind` ("api", "resolvers"); what to say with its answer. */
    take(kind, caller) {
      const quota = limits[kind];
      if (quota === undefined) return { refused: false, headers: {} };
      const start = Math.floor(now() / 1000 / seconds) * seconds;
      const key = `${kind} ${caller}`;
      const window = windows.get(key)?.start === start ? windows.get(key) : { start, used: 0 };
      windows.set(key, window);
      const refused = window.used >= quota;
      if (!refused) window.used++;
      const reset = Math.max(1, Math.ceil(start + seconds - now() / 1000));
      const headers = {
        ratelimit: `"${kind}";r=${quota - window.used};t=${reset}`,
        "ratelimit-policy": `"fixed window";"${kind}";q=${quota};w=${seconds}`,
      };
      return { refused, headers: refused ? { ...headers, "retry-after": String(reset) } : headers };
    },
  };
}
