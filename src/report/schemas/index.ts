import { z } from "zod";
import { commitmentSchema } from "../../commitment/commitment.ts";
import { disclosureSchema } from "../../commitment/disclosure.ts";
import { caseSchema, caseVerifySchema } from "./case.ts";
import { commitSchema } from "./commit.ts";
import { compareSchema } from "./compare.ts";
import { doctorSchema } from "./doctor.ts";
import { errorSchema } from "./error.ts";
import { fingerprintSchema } from "./fingerprint.ts";
import { identifySchema } from "./identify.ts";
import { inspectSchema } from "./inspect.ts";
import { keySchema } from "./key.ts";
import { qualitySchema } from "./quality.ts";
import { registrySchema } from "./registry.ts";
import { scanItemSchema, scanSummarySchema, scanTargetSchema } from "./scan.ts";
import { signSchema, verifySchema } from "./signing.ts";
import { watermarkCapacitySchema, watermarkEmbedSchema, watermarkVerifySchema } from "./watermark.ts";

export type CaseReport = z.infer<typeof caseSchema>;
export type CaseVerifyReport = z.infer<typeof caseVerifySchema>;
export type CommitReport = z.infer<typeof commitSchema>;
export type CompareReport = z.infer<typeof compareSchema>;
export type DoctorReport = z.infer<typeof doctorSchema>;
export type ErrorReport = z.infer<typeof errorSchema>;
export type FingerprintReport = z.infer<typeof fingerprintSchema>;
export type IdentifyReport = z.infer<typeof identifySchema>;
export type InspectReport = z.infer<typeof inspectSchema>;
export type KeyReport = z.infer<typeof keySchema>;
export type QualityReport = z.infer<typeof qualitySchema>;
export type RegistryReport = z.infer<typeof registrySchema>;
export type ScanItemReport = z.infer<typeof scanItemSchema>;
export type ScanSummaryReport = z.infer<typeof scanSummarySchema>;
export type ScanTargetReport = z.infer<typeof scanTargetSchema>;
export type SignReport = z.infer<typeof signSchema>;
export type VerifyReport = z.infer<typeof verifySchema>;
export type WatermarkCapacityReport = z.infer<typeof watermarkCapacitySchema>;
export type WatermarkEmbedReport = z.infer<typeof watermarkEmbedSchema>;
export type WatermarkVerifyReport = z.infer<typeof watermarkVerifySchema>;
export type Report =
  | CaseReport
  | CaseVerifyReport
  | CommitReport
  | CompareReport
  | DoctorReport
  | FingerprintReport
  | IdentifyReport
  | InspectReport
  | KeyReport
  | QualityReport
  | RegistryReport
  | ScanItemReport
  | ScanSummaryReport
  | ScanTargetReport
  | SignReport
  | VerifyReport
  | WatermarkCapacityReport
  | WatermarkEmbedReport
  | WatermarkVerifyReport;

const SCHEMAS = new Map<string, z.ZodType>([
  ["case@1", caseSchema],
  ["case-verify@1", caseVerifySchema],
  ["commit@1", commitSchema],
  ["commitment@1", commitmentSchema],
  ["compare@1", compareSchema],
  ["disclosure@1", disclosureSchema],
  ["doctor@1", doctorSchema],
  ["error@1", errorSchema],
  ["fingerprint@1", fingerprintSchema],
  ["identify@1", identifySchema],
  ["inspect@1", inspectSchema],
  ["key@1", keySchema],
  ["quality@1", qualitySchema],
  ["registry@1", registrySchema],
  ["scan-item@1", scanItemSchema],
  ["scan-summary@1", scanSummarySchema],
  ["scan-target@1", scanTargetSchema],
  ["sign@1", signSchema],
  ["verify@1", verifySchema],
  ["watermark-capacity@1", watermarkCapacitySchema],
  ["watermark-embed@1", watermarkEmbedSchema],
  ["watermark-verify@1", watermarkVerifySchema],
]);

/** The schema of a result by its name, "compare@1"; undefined for a name that is not known. */
export function schemaOf(name: string): z.ZodType | undefined {
  return SCHEMAS.get(name);
}

function idOf(name: string): string {
  return `urn:weightmark:schema:${name}`;
}

/** What has a schema of its own is a reference to that within others. */
function referTo({ zodSchema, jsonSchema, path }: { zodSchema: unknown; jsonSchema: object; path: unknown[] }): void {
  const found = [...SCHEMAS].find(([, schema]) => schema === zodSchema);
  if (found === undefined || path.length === 0) return;
  for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
  Object.assign(jsonSchema, { $ref: idOf(found[0]) });
}

/** JSON Schemas (2020-12) of everything that is printed as JSON, by name. */
export function jsonSchemas(): Map<string, object> {
  return new Map(
    [...SCHEMAS].map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", override: referTo });
      return [name, { $schema, $id: idOf(name), ...rest }];
    }),
  );
}
