/** What takes away the traces of work that is under way: temporary files, locks. */
const undos = new Set<() => void>();

let watcher: ((some: boolean) => void) | null = null;

// process.exit in the middle of a write leaves nothing either.
process.on("exit", undoUnfinished);

/**
 * Has `undo` called when this process ends before the function that is returned was called. It must be synchronous. A process
 * that is killed calls nothing: what it leaves must mean nothing by itself.
 */
export function undoOnExit(undo: () => void): () => void {
  undos.add(undo);
  if (undos.size === 1) watcher?.(true);
  return () => {
    if (undos.delete(undo) && undos.size === 0) watcher?.(false);
  };
}

/** Undoes all that is under way, for the process is about to end. */
export function undoUnfinished(): void {
  for (const undo of [...undos]) {
    try {
      undo();
    } catch {
      // Not made yet, or gone already; a disk that takes no deletions leaves a `.tmp`, never half an output.
    }
  }
}

/** Tells anyone who decides what signals do whether there is something to undo, now and from then on. */
export function watchUnfinished(told: (some: boolean) => void): void {
  watcher = told;
  told(undos.size > 0);
}
