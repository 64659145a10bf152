import type { HttpClient } from "../bytes/http/http-client.ts";

/** How models that are not on this machine are reached. */
export interface Remote {
  readonly client: HttpClient;
  /** Origin of the Hub without a slash at its end: HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint: string;
  /** The standard Hub cache (HF_HUB_CACHE, HF_HOME ...), read and never written; null to ignore it. */
  readonly hubCache: string | null;
  /** Answer from the Hub cache or not at all. */
  readonly offline: boolean;
}
