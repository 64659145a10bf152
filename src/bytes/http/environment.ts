import { lookup } from "node:dns/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type AddressClass, classifyAddress } from "./address-policy.ts";
import type { Variables } from "./proxies.ts";

export interface ResolvedAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

/** What the client has from the machine it runs on. */
export interface HttpEnvironment {
  resolve(hostname: string): Promise<readonly ResolvedAddress[]>;
  classify(address: string): AddressClass;
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** In [0, 1). Spreads retries; nothing secret hangs on it. */
  random(): number;
  /** Certificates trusted instead of the system's, PEM; null for the system's. */
  readonly ca: string | null;
  /** Where the proxies are named. */
  readonly variables: Variables;
}

/** The longest that a timer of Node can be set to without firing at once is 2^31 - 1 ms. */
const LONGEST_TIMER_MS = 3_600_000;

export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  for (let left = milliseconds; left > 0; left -= LONGEST_TIMER_MS) {
    await delay(Math.min(left, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal }).catch((error) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }
  signal?.throwIfAborted();
}

export const MACHINE: HttpEnvironment = {
  resolve: (hostname) => lookup(hostname, { all: true }),
  classify: classifyAddress,
  now: Date.now,
  sleep,
  random: Math.random,
  ca: null,
  variables: process.env,
};
