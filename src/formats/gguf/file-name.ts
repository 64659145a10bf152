/** Whether a file is a GGUF model by its name, however that is written. */
export function isGgufName(name: string): boolean {
  return /\.gguf$/i.test(name);
}
