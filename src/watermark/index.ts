/** Marks in weights: keys, embedding, verification, and what fits. */
export { type CapacityOptions, watermarkCapacity } from "./capacity.ts";
export { embedWatermark } from "./embed.ts";
export type { EmbedOptions } from "./embed-options.ts";
export {
  describeKeyFile,
  generateKeyFile,
  type KeyDescription,
  type NewKeyOptions,
  readKeyFile,
  resealKeyFile,
  rotateKeyFile,
} from "./key/key-file.ts";
export { type ModelKey, modelKey } from "./key/model-key.ts";
export { type Payload, parsePayload } from "./message/payload.ts";
export type { CapacityResult, EmbeddedCarrier, EmbedResult, VerifiedCarrier, VerifyResult } from "./result.ts";
export { type VerifyOptions, verifyWatermark } from "./verify.ts";
