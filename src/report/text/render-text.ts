import type { Report } from "../schemas/index.ts";
import { caseText, caseVerifyText } from "./case-text.ts";
import { commitText } from "./commit-text.ts";
import { compareText } from "./compare-text.ts";
import { identifyText } from "./identify-text.ts";
import { fingerprintText, inspectText } from "./inspect-text.ts";
import { keyText } from "./key-text.ts";
import { qualityText } from "./quality-text.ts";
import { doctorText, registryText } from "./registry-text.ts";
import { scanItemText, scanSummaryText, scanTargetText } from "./scan-text.ts";
import { signText, verifyText } from "./signing-text.ts";
import { type Style, style } from "./style.ts";
import { capacityText, embedText, verifyText as verifyMarkText } from "./watermark-text.ts";

/** A report for people, ending in a newline. Every string of a model's or a user's is escaped. */
export function renderText(report: Report, options: { readonly colour: boolean }): string {
  return `${lines(report, style(options.colour)).join("\n")}\n`;
}

function lines(report: Report, style: Style): string[] {
  switch (report.schema) {
    case "weightmark/case@1":
      return caseText(report, style);
    case "weightmark/case-verify@1":
      return caseVerifyText(report, style);
    case "weightmark/commit@1":
      return commitText(report, style);
    case "weightmark/compare@1":
      return compareText(report, style);
    case "weightmark/identify@1":
      return identifyText(report, style);
    case "weightmark/inspect@1":
      return inspectText(report, style);
    case "weightmark/fingerprint@1":
      return fingerprintText(report, style);
    case "weightmark/key@1":
      return keyText(report, style);
    case "weightmark/quality@1":
      return qualityText(report, style);
    case "weightmark/registry@1":
      return registryText(report, style);
    case "weightmark/scan-item@1":
      return scanItemText(report, style);
    case "weightmark/scan-summary@1":
      return scanSummaryText(report, style);
    case "weightmark/scan-target@1":
      return scanTargetText(report);
    case "weightmark/doctor@1":
      return doctorText(report, style);
    case "weightmark/sign@1":
      return signText(report, style);
    case "weightmark/verify@1":
      return verifyText(report, style);
    case "weightmark/watermark-capacity@1":
      return capacityText(report, style);
    case "weightmark/watermark-embed@1":
      return embedText(report, style);
    case "weightmark/watermark-verify@1":
      return verifyMarkText(report, style);
  }
}
