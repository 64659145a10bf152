import type { HtmlResult } from "../report/index.ts";
import type { DOCUMENTS } from "./options.ts";
import { toolVersion } from "./version.ts";

/**
 * Results as one document, in pieces: a web page, or what other tools read. The same results give the same bytes.
 *
 * @throws USAGE for results that are about no model, in the formats of other tools
 */
export async function documentOf(
  format: (typeof DOCUMENTS)[number],
  results: readonly HtmlResult[],
): Promise<AsyncIterable<string>> {
  switch (format) {
    case "html":
      return (await import("../report/index.ts")).htmlPieces(results);
    case "sarif": {
      const { sarifLog } = await import("../report/sarif/sarif.ts");
      const { sarifOfResults } = await import("../report/sarif/sarif-source.ts");
      return sarifLog(sarifOfResults(toolVersion(), results));
    }
    case "cyclonedx": {
      const { cycloneDxBom } = await import("../report/cyclonedx/cyclonedx.ts");
      const { bomOfResults } = await import("../report/cyclonedx/bom-source.ts");
      return cycloneDxBom(bomOfResults(results));
    }
  }
}
