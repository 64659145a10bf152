/** `.sft` is what ComfyUI and those who publish for it write. Some file systems give names back in capitals. */
const WEIGHTS = /\.(?:safetensors|sft)$/i;
/** What `weightmark fingerprint` calls its files; publishers put them beside the weights. */
const FINGERPRINT = /\.fingerprint\.(?:safetensors|sft)$/i;

/** Whether a file is a safetensors file by its name, however that is written. */
export function isWeightName(name: string): boolean {
  return WEIGHTS.test(name);
}

/** The name of a safetensors file without its ending; another name as it is. */
export function weightStem(name: string): string {
  return name.replace(WEIGHTS, "");
}

/** Whether a file is a fingerprint by its name. */
export function isFingerprintName(name: string): boolean {
  return FINGERPRINT.test(name);
}
