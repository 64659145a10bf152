/**
 * Who may see what, and how the Hub says no. Status, X-Error-Code and X-Error-Message as huggingface_hub tells them apart
 * (hf_raise_for_status in utils/_http.py) and as live replies of 2026 carry them:
 *
 * - no such repository, or a private one: 401 without a code to the anonymous (so that names cannot be probed), 404
 *   RepoNotFound to others
 * - a gated repository: its listing is public; its files are 401 GatedRepo to the anonymous, 403 GatedRepo to others
 * - no such revision or file: 404 RevisionNotFound, 404 EntryNotFound; the latter with X-Repo-Commit
 */
import { json, text } from "./reply.mjs";

const error = (api, status, message, code, headers = {}) => {
  const all = { "x-error-message": message, ...(code === null ? {} : { "x-error-code": code }), ...headers };
  return api ? json({ error: message }, all, status) : text(message, all, status);
};

const CHALLENGE = { "www-authenticate": 'Bearer realm="Authentication required", charset="UTF-8"' };

export const unauthorized = (api) => error(api, 401, "Invalid username or password.", null, CHALLENGE);
export const badToken = (api) => error(api, 401, "Invalid credentials in Authorization header", null, CHALLENGE);
export const noRevision = (api, name) => error(api, 404, `Invalid rev id: ${name}`, "RevisionNotFound");
export const noEntry = (api, commit) =>
  error(api, 404, "Entry not found", "EntryNotFound", { "x-repo-commit": commit });
export const noRoute = (api) => error(api, 404, "Sorry, we can't find the page you are looking for.", null);
export const tooMany = (headers) =>
  json({ error: "We had to rate limit you, you hit the quota. Upgrade your plan or retry later." }, headers, 429);

/** @param tokens from token to the ids it may read */
export function access(repositories, tokens) {
  const granted = (token, id) => tokens.get(token)?.has(id) ?? false;
  /** Undefined where there is no token; false where it is none of ours. */
  const tokenOf = (request) => {
    const value = request.headers.authorization;
    if (value === undefined) return undefined;
    const token = /^Bearer (.+)$/.exec(value)?.[1];
    return token !== undefined && tokens.has(token) ? token : false;
  };
  const visible = (repository, token) => !repository.private || granted(token, repository.id);
  return {
    tokenOf,
    visible,
    /** The repository, or the reply that refuses it. */
    find(id, token, api) {
      if (token === false) return { refusal: badToken(api) };
      const repository = repositories.get(id);
      if (repository !== undefined && visible(repository, token)) return { repository };
      if (token === undefined) return { refusal: unauthorized(api) };
      return { refusal: error(api, 404, "Repository not found", "RepoNotFound") };
    },
    /** The reply that keeps files of a gated repository back, or null. */
    gate(repository, token, api) {
      if (repository.gated === false || granted(token, repository.id)) return null;
      const who = `Access to model ${repository.id} is restricted`;
      return token === undefined
        ? error(
            api,
            401,
            `${who}. You must have access to it and be authenticated to access it. Please log in.`,
            "GatedRepo",
          )
        : error(api, 403, `${who} and you are not in the authorized list.`, "GatedRepo");
    },
  };
}
