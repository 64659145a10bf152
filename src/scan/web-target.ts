import { shownAddress } from "../bytes/http/address.ts";
import { shownLocation } from "../checkpoint/location.ts";
import { WeightmarkError } from "../errors.ts";
import { failedItem } from "./failure.ts";
import type { Found } from "./inputs.ts";
import { plainTarget, type ScanTarget } from "./target.ts";

/** A file on some web server. A query or a password in its address would be kept with the results: refused. */
export function webTarget(location: string): Found {
  const shown = shownLocation(location);
  const name = URL.canParse(shown) ? shownAddress(new URL(shown)).replace(/^https?:\/\//i, "") : shown;
  const target = plainTarget(shown, name);
  return shown === location ? target : secretRefusal(target);
}

/** @param target of the address without what may be a secret */
export function secretRefusal(target: ScanTarget): Found {
  const refusal = new WeightmarkError("HTTP_ADDRESS_INVALID", "an address with a query or a password is not scanned", {
    detail: "It may hold a secret that results would keep: download the file, or identify it by itself.",
  });
  // An id of its own: the same address without a query is another model.
  return failedItem({ ...target, id: `${target.id} (refused)` }, refusal);
}
