import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { machineLimit } from "../../machine-limit.ts";

/**
 * A try that failed for a reason that may pass. Thrown inside of the client only: `retry.ts` makes the refusal of the last one.
 */
export class PassingFailure extends Error {
  readonly code: ErrorCode;
  /** When the server wants to be asked again (milliseconds since 1970), or null where it did not say. */
  readonly retryAt: number | null;

  constructor(code: ErrorCode, message: string, retryAt: number | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryAt = retryAt;
  }
}

const TIMEOUTS = new Set(["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ETIMEDOUT"]);

/** What OpenSSL and Node call a certificate that is not to be trusted. Asking again changes nothing. */
const CERTIFICATE = /CERT|^(?:UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/;

const MEANINGS = new Map([
  ["ENOTFOUND", "the name of the host does not exist"],
  ["EAI_AGAIN", "the name of the host could not be looked up"],
  ["ECONNREFUSED", "the connection was refused"],
  ["ECONNRESET", "the connection was reset"],
  ["EPIPE", "the connection was closed"],
  ["ENETUNREACH", "there is no way to the network"],
  ["EHOSTUNREACH", "there is no way to the host"],
  ["UND_ERR_SOCKET", "the connection was closed"],
  ["UND_ERR_ABORTED", "the proxy refused the connection"],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "the body is not as long as announced"],
  ["UND_ERR_HEADERS_OVERFLOW", "the reply has too many headers"],
]);

function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  // Several addresses were tried, and each failed by itself.
  if (typeof code !== "string" && Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return typeof code === "string" ? code : "";
}

/** What is wrong with a connection: passing, or a refusal. Messages of the library are not repeated: they hold what they like. */
export function connectionFailure(error: unknown): PassingFailure | WeightmarkError {
  if (error instanceof PassingFailure || error instanceof WeightmarkError) return error;
  const limit = machineLimit(error);
  if (limit !== null) return limit;
  const code = codeOf(error);
  if (TIMEOUTS.has(code)) return new PassingFailure("HTTP_TIMED_OUT", "the server did not answer in time", null, error);
  if (CERTIFICATE.test(code)) {
    return new WeightmarkError("HTTP_CONNECTION_FAILED", `the server's certificate is not trusted (${code})`, {
      detail: "For a certificate authority of your own set NODE_EXTRA_CA_CERTS.",
      cause: error,
    });
  }
  if (code === "ENOTFOUND") {
    return new WeightmarkError("HTTP_CONNECTION_FAILED", MEANINGS.get(code)!, {
      detail: "Check the spelling of the host, and the network.",
      cause: error,
    });
  }
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED") {
    return new WeightmarkError("INTERNAL", "the client was closed while it was in use", { cause: error });
  }
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return new WeightmarkError("HTTP_CONNECTION_FAILED", "the server does not speak TLS on this port", {
      detail: "Check the port, and whether the server is meant to be asked by http:// instead.",
      cause: error,
    });
  }
  const known = MEANINGS.get(code);
  const tls = code.startsWith("ERR_SSL_") ? "TLS failed" : null;
  const parser = code.startsWith("HPE_") ? "the reply is no HTTP" : null;
  const socks = code.startsWith("UND_ERR_SOCKS5") ? "the proxy refused the connection, or speaks no SOCKS5" : null;
  const what = known ?? tls ?? parser ?? socks ?? "the connection failed";
  return new PassingFailure("HTTP_CONNECTION_FAILED", code === "" ? what : `${what} (${code})`, null, error);
}

/** Statuses that mean "later": 425 and 408 by their definition, 500 because hubs and storage answer so under load. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export const isPassing = (status: number): boolean => PASSING.has(status);

/** The failure for a status that means "later". */
export function passingStatus(status: number, retryAt: number | null): PassingFailure {
  if (status === 429)
    return new PassingFailure("HTTP_RATE_LIMITED", "the server asks for fewer requests (429)", retryAt);
  if (status === 408) return new PassingFailure("HTTP_TIMED_OUT", "the server waited too long for the request (408)");
  return new PassingFailure("HTTP_SERVER_FAILED", `the server failed (${status})`, retryAt);
}

/** How storage refuses what was signed for it: expired, or checked wrongly. */
const NOT_ACCEPTED = new Set([400, 401, 403]);

/**
 * The refusal for a status that means "no": 401 HTTP_UNAUTHORIZED, 403 HTTP_FORBIDDEN, 404 and 410 HTTP_NOT_FOUND, 5xx
 * HTTP_SERVER_FAILED, anything else HTTP_STATUS.
 *
 * @param elsewhere the host that answered where the server had sent us on, which no token of ours would change: its 400,
 *   401 and 403 are HTTP_STORAGE_REFUSED
 * @param advice what to do about a 400, 401 or 403 of the server itself, of anyone who knows what address it is
 */
export function statusError(
  status: number,
  location: string,
  elsewhere: string | null = null,
  advice?: string,
): WeightmarkError {
  const who = elsewhere === null ? "the server" : `${elsewhere}, to which the server sends one on,`;
  const refuse = (code: ErrorCode, what: string, detail?: string) =>
    new WeightmarkError(code, `${who} ${what} (${status})`, { file: location, detail });
  if (elsewhere !== null && NOT_ACCEPTED.has(status)) {
    const detail = "The server itself gives the file out. Try again later; a firewall on the way can be what refuses.";
    return refuse("HTTP_STORAGE_REFUSED", "refuses access", detail);
  }
  if (status === 401) return refuse("HTTP_UNAUTHORIZED", "wants to know who asks", advice);
  if (status === 403) return refuse("HTTP_FORBIDDEN", "refuses access", advice);
  if (status === 404 || status === 410) return refuse("HTTP_NOT_FOUND", "has nothing at this address");
  if (status >= 500 && status < 600) return refuse("HTTP_SERVER_FAILED", "failed");
  return refuse("HTTP_STATUS", "refused the request", NOT_ACCEPTED.has(status) ? advice : undefined);
}
