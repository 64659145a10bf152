import { z } from "zod";
import { compareSchema } from "./compare.ts";
import { doctorSchema } from "./doctor.ts";
import { errorSchema } from "./error.ts";
import { fingerprintSchema } from "./fingerprint.ts";
import { identifySchema } from "./identify.ts";
import { inspectSchema } from "./inspect.ts";
import { registrySchema } from "./registry.ts";

export type CompareReport = z.infer<typeof compareSchema>;
export type DoctorReport = z.infer<typeof doctorSchema>;
export type ErrorReport = z.infer<typeof errorSchema>;
export type FingerprintReport = z.infer<typeof fingerprintSchema>;
export type IdentifyReport = z.infer<typeof identifySchema>;
export type InspectReport = z.infer<typeof inspectSchema>;
export type RegistryReport = z.infer<typeof registrySchema>;
export type Report = CompareReport | DoctorReport | FingerprintReport | IdentifyReport | InspectReport | RegistryReport;

const SCHEMAS = new Map<string, z.ZodType>([
  ["compare@1", compareSchema],
  ["doctor@1", doctorSchema],
  ["error@1", errorSchema],
  ["fingerprint@1", fingerprintSchema],
  ["identify@1", identifySchema],
  ["inspect@1", inspectSchema],
  ["registry@1", registrySchema],
]);

/** JSON Schemas (2020-12) of everything that is printed as JSON, by name. */
export function jsonSchemas(): Map<string, object> {
  return new Map(
    [...SCHEMAS].map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12" });
      return [name, { $schema, $id: `urn:weightmark:schema:${name}`, ...rest }];
    }),
  );
}
