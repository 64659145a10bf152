/** What stands between an archive and what is meant inside of it, as in addresses of Java's archives. */
export const INSIDE = "!/";

/** An archive, and what is meant inside of it. */
export interface InsideLocation {
  readonly archive: string;
  /** A file or folder in the archive, "" for whatever model lies in it. */
  readonly inside: string;
}

/** The location of what lies in an archive. */
export function insideLocation(archive: string, inside: string): string {
  return `${archive}${INSIDE}${inside}`;
}

/** What a location "ARCHIVE!/NAME" names, or null for one that names no archive. */
export function splitInside(location: string): InsideLocation | null {
  const at = location.indexOf(INSIDE);
  if (at < 1) return null;
  return { archive: location.slice(0, at), inside: location.slice(at + INSIDE.length).replace(/\/$/, "") };
}
