import { WeightmarkError } from "../../errors.ts";
import type { Report, ScanItemReport } from "../schemas/index.ts";
import type { ModelFinding } from "./model-finding.ts";
import { ofInspect } from "./of-inspect.ts";
import { ofCompare, ofFingerprint, ofIdentify } from "./of-lineage.ts";
import { ofEmbed, ofMark } from "./of-mark.ts";
import { ofScanItem } from "./of-scan-item.ts";
import { ofCommit, ofSign, ofSignature } from "./of-signing.ts";

/**
 * What a result says of the model that it is about; null for a model of a scan that was not read.
 *
 * @throws USAGE for results that are about no model, or about two of which nothing of the kind is known
 */
export function findingOf(report: Report): ModelFinding | null {
  switch (report.schema) {
    case "weightmark/compare@1":
      return ofCompare(report);
    case "weightmark/identify@1":
      return ofIdentify(report);
    case "weightmark/fingerprint@1":
      return ofFingerprint(report);
    case "weightmark/inspect@1":
      return ofInspect(report);
    case "weightmark/sign@1":
      return ofSign(report);
    case "weightmark/verify@1":
      return ofSignature(report);
    case "weightmark/commit@1":
      return ofCommit(report);
    case "weightmark/watermark-verify@1":
      return ofMark(report);
    case "weightmark/watermark-embed@1":
      return ofEmbed(report);
    case "weightmark/scan-item@1":
      return wasRead(report) ? ofScanItem(report) : null;
    default:
      throw new WeightmarkError("USAGE", `a ${report.schema} is no finding about a model`, {
        detail: "Print it as text, JSON or a web page.",
      });
  }
}

export function wasRead({ status }: Pick<ScanItemReport, "status">): boolean {
  return status === "done" || status === "duplicate";
}
