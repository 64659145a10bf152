import type { ErrorEntry } from "./error-entry.ts";

/** Models that lie elsewhere: HTTP, and the Hub. */
export const REMOTE_ERRORS = {
  PROXY_INVALID: {
    kind: "usage",
    meaning: "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names a proxy that cannot be used",
    advice: "Write it as http://host:port or socks5://host:port, or name in NO_PROXY what is reached without it.",
  },
  HTTP_ADDRESS_INVALID: {
    kind: "usage",
    meaning: "the address is not one that can be read: https://..., or hf:org/name",
    advice: "Write https://host/path of a file, or hf:org/name of a repository.",
  },
  HTTP_ADDRESS_REFUSED: {
    kind: "refused",
    meaning: "a redirect led to a private, loopback or link-local address",
    advice: "Give the address it leads to by itself if that is really meant.",
  },
  HTTP_REDIRECT_REFUSED: {
    kind: "refused",
    meaning: "a redirect to another scheme, too many of them, or one without a target",
    advice: "Look where the address leads, and give the last address itself if it is to be trusted.",
  },
  HTTP_UNAUTHORIZED: {
    kind: "refused",
    meaning: "the server wants to know who asks (401): a token is missing or wrong",
    advice: "For the Hub set HF_TOKEN; of another server, which is sent no token, download the file and name it.",
  },
  HTTP_FORBIDDEN: {
    kind: "refused",
    meaning: "the server refuses access (403), as for a gated repository",
    advice:
      "Ask the owner for access, or for a new address where this one is signed; or download the file and name it.",
  },
  HTTP_STORAGE_REFUSED: {
    kind: "passing",
    meaning: "the host that the server sends one on to refuses access, again and again; the server itself does not",
    advice: "Try again later; if it goes on, see whether a firewall or proxy on the way is what refuses.",
  },
  HTTP_NOT_FOUND: {
    kind: "refused",
    meaning: "the server has nothing at this address (404)",
    advice: "Check the spelling of the address; what it named may have been moved or deleted.",
  },
  HTTP_STATUS: {
    kind: "refused",
    meaning: "the server refused the request in another way",
    advice: "Look up what the status means, and see what the server shows at this address to another program.",
  },
  HTTP_RANGE_UNSUPPORTED: {
    kind: "refused",
    meaning: "the server ignores byte ranges and would send the whole file",
    advice: "Download the whole file, and name that.",
  },
  HTTP_RANGE_WRONG: {
    kind: "refused",
    meaning: "the server sent another byte range than the one asked for",
    advice: "Download the file and name it: this server, or a proxy before it, does not answer for ranges as it must.",
  },
  HTTP_BODY_WRONG: {
    kind: "refused",
    meaning: "the body is longer than announced or allowed, or compressed",
    advice: "Try again without the proxy or cache on the way, which may change what is sent; else download the model.",
  },
  HTTP_RATE_LIMITED: {
    kind: "passing",
    meaning: "the server asks to wait (429) longer than is allowed",
    advice: "Wait, then try again; the Hub allows more to those who send a token (HF_TOKEN).",
  },
  HTTP_SERVER_FAILED: {
    kind: "passing",
    meaning: "the server failed (5xx) again and again",
    advice: "Try again later; if it goes on, only who runs the server can help.",
  },
  HTTP_CONNECTION_FAILED: {
    kind: "passing",
    meaning: "no connection, or it broke again and again: name, network, TLS",
    advice: "Check the name of the host, the network and the proxy, then try again.",
  },
  HTTP_TIMED_OUT: {
    kind: "passing",
    meaning: "the server did not answer, or not fast enough, again and again",
    advice: "Try again when the server and the network have less to do.",
  },
  OFFLINE: {
    kind: "refused",
    meaning: "`offline` is set and this is not in the cache",
    advice: "Allow the network, or download the model first.",
  },

  HUB_NAME_INVALID: {
    kind: "usage",
    meaning: "not a Hub repository: hf:org/name, with @revision if need be",
    advice: "Write the name as it stands in the address of its page on the Hub: letters, digits and .-_ alone.",
  },
  HUB_REPOSITORY_NOT_FOUND: {
    kind: "refused",
    meaning: "the Hub has no such repository or revision, or shows it to others only",
    advice: "Check the spelling of name and revision; for what only some may see, set HF_TOKEN.",
  },
  HUB_GATED: {
    kind: "refused",
    meaning: "the repository is gated: its owner has to grant access first",
    advice: "Ask for access on the page of the repository, then set HF_TOKEN.",
  },
  HUB_RESPONSE_INVALID: {
    kind: "refused",
    meaning: "the Hub answered with something that it never should",
    advice: "Check that HF_ENDPOINT, where it is set, is the address of a Hub, then try again later.",
  },
} as const satisfies Record<string, ErrorEntry>;
