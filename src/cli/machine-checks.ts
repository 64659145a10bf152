import { proxiesOf } from "../bytes/http/proxies.ts";
import { remoteSettings, WeightmarkError } from "../index.ts";
import { inFlags } from "./advice.ts";
import type { Check } from "./check.ts";
import { openFileLimit } from "./few-handles.ts";

/** What a command needs: Node itself takes 25, a thread 20. */
const ENOUGH_HANDLES = 64;

/** What the machine allows, where it says so. */
export function machineChecks(): Check[] {
  const limit = openFileLimit();
  if (limit === null) return [];
  const few = limit < ENOUGH_HANDLES;
  const many = limit === Number.POSITIVE_INFINITY ? "any number" : String(limit);
  const detail = `${many} may be open at a time${few ? ": allow more, such as with ulimit -n 1024" : ""}`;
  return [{ name: "open files", status: few ? "failed" : "ok", detail }];
}

/** How the Hub is reached by what the environment says. Nothing is sent. */
export function proxyCheck(variables: Readonly<Record<string, string | undefined>> = process.env): Check {
  const name = "proxy";
  try {
    const { endpoint } = remoteSettings(variables, { token: null });
    const proxy = proxiesOf(variables).of(new URL(endpoint));
    if (proxy === null) return { name, status: "absent", detail: `none is used for ${endpoint}` };
    const { protocol, host } = proxy.address;
    return { name, status: "ok", detail: `${endpoint} is read through ${protocol}//${host} (${proxy.variable})` };
  } catch (error) {
    if (!(error instanceof WeightmarkError)) throw error;
    return { name, status: "failed", detail: `${error.message}. ${inFlags(error.detail)}` };
  }
}
