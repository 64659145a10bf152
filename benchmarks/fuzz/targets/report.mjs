import { scanItemOf } from "../../../dist/src/scan/stored-item.js";
import { utf8 } from "../bytes.mjs";
import { Skipped } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";
import { mustReportSafely } from "../scan-reports.mjs";
import { PARAMETERS, someItem } from "../scan-values.mjs";

/**
 * Items of a scan as a JSON list, with names that attack the one who prints them: in text, JSON, JSON lines, SARIF, CycloneDX.
 */
export const target = {
  name: "report",
  extension: "json",
  make(random) {
    const items = Array.from({ length: 1 + random.small(4) }, () => someItem(random));
    return utf8(random.chance(0.7) ? JSON.stringify(items) : changedJson(random, items));
  },
  async check(bytes) {
    let items;
    try {
      items = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      throw new Skipped();
    }
    if (!Array.isArray(items)) throw new Skipped();
    const sound = items.map(scanItemOf).filter((item) => item !== null);
    if (sound.length === 0) throw new Skipped();
    await mustReportSafely(sound, {
      ...PARAMETERS,
      inputs: sound.map(({ location }) => location),
      include: [sound[0].name],
    });
  },
};
