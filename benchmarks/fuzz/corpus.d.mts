export const CORPUS: string;
export function corpusOf(
  target: string,
  directory?: string,
): { readonly name: string; readonly path: string; readonly bytes: Uint8Array }[];
