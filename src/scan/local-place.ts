import { basename, join, sep } from "node:path";

/** One directory of a walk. */
export interface Place {
  readonly path: string;
  /** Path below the root, "/"-separated; what its model is called. */
  readonly name: string;
}

/** Where the Hub's cache keeps one commit of one repository. */
const SNAPSHOT = /(?:^|\/)models--([^/]+)\/snapshots\/([0-9a-f]{40})(?:\/(.*))?$/;

export function below({ path, name }: Place, entry: string): Place {
  return { path: join(path, entry), name: name === "" ? entry : `${name}/${entry}` };
}

/** "org/name@commit" in a cache, the path below the root elsewhere; the root's own name for the root. */
export function nameOf({ path, name }: Place, root: string): string {
  const [, repository, commit, folder] = SNAPSHOT.exec(path.replaceAll(sep, "/")) ?? [];
  if (repository !== undefined) {
    return `${repository.replace("--", "/")}@${commit!.slice(0, 7)}${folder === undefined ? "" : `/${folder}`}`;
  }
  return name === "" ? basename(root) || root : name;
}

/** The commit whose snapshot in a cache a path leads into, or null. */
export function commitOf(path: string): string | null {
  return SNAPSHOT.exec(path.replaceAll(sep, "/"))?.[2] ?? null;
}
