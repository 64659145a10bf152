/** Whether a path names a safetensors file: the library's `isWeightName`, for before the library is loaded. */
export function namesWeights(path: string): boolean {
  return /\.(?:safetensors|sft)$/i.test(path);
}

/** Whether a path names a GGUF file, likewise. */
export function namesGguf(path: string): boolean {
  return /\.gguf$/i.test(path);
}

/** Whether a path names a fingerprint file. */
export function namesFingerprint(path: string): boolean {
  return namesWeights(path) && /\.fingerprint\.[^.]*$/i.test(path);
}

/** What the fingerprint of a model is called where nobody says. */
export function fingerprintNameOf(model: string): string {
  const name = namesWeights(model) || namesGguf(model) ? model.slice(0, model.lastIndexOf(".")) : model;
  return `${name.replaceAll("/", "--")}.fingerprint.safetensors`;
}
