/** Longest part of an id that the Hub gives out. */
const MAX_PART = 96;

/**
 * Whether this is "owner/name" as the Hub spells ids: ASCII letters, digits, "_", "-" and ".", the first and last of each
 * part a letter, digit or "_". Neither path nor address can be made of one (CWE-22).
 *
 * @see https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/utils/_validators.py
 */
export function isRepositoryId(id: string): boolean {
  const parts = id.split("/");
  return parts.length === 2 && parts.every(isIdPart);
}

/** Whether this can be an owner or a name alone. */
export function isIdPart(part: string): boolean {
  return /^\w(?:[\w.-]*\w)?$/.test(part) && part.length <= MAX_PART && !part.includes("..") && !/\.git$/i.test(part);
}
