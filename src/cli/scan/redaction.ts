import { mapStrings, memberRedactor, pathRedactor } from "../redact.ts";
import { isAddress } from "../remote.ts";
import type { ScanOptions } from "./options.ts";

/** What --redact-paths hides of a scan; everything is as it was without it. */
export interface Redaction {
  readonly text: (text: string) => string;
  /** Of what is about one model: the directories of a list are known only when they are met. */
  readonly about: <T extends { readonly location: string; readonly duplicateOf?: string | null }>(model: T) => T;
}

/** @param paths what the command line names */
export function redactionOf(options: ScanOptions, paths: readonly string[]): Redaction {
  if (!options.redactPaths) return { text: (text) => text, about: (model) => model };
  const text = pathRedactor(paths);
  return {
    text,
    about(model) {
      const withoutMembers = memberRedactor([model.location, model.duplicateOf ?? ""]);
      const shown = mapStrings(model, (one) => withoutMembers(text(one)));
      if (options.list === undefined) return shown;
      const places = [shown.location, shown.duplicateOf ?? ""].filter((place) => place !== "" && !isAddress(place));
      return mapStrings(shown, pathRedactor(places));
    },
  };
}
