/** Fields of results that hold a path or an address, or a list of them. */
export const PLACE_FIELDS: ReadonlySet<string> = new Set([
  "location",
  "directory",
  "path",
  "inputs",
  "duplicateOf",
  "id",
  "allowLinks",
]);
