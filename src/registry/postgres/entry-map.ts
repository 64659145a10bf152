import { digestOf } from "../digest.ts";
import { entryLine } from "../entry-line.ts";
import { findEntry } from "../find-entry.ts";
import { compareText } from "../names.ts";
import type { RegistryEntry } from "../registry.ts";
import type { Connection } from "./connect.ts";
import { entriesSince, type RegistryState, readState, removalsSince } from "./registry-rows.ts";

/** What is registered, in memory: about 400 bytes an entry. */
export class EntryMap {
  state: RegistryState = { generation: -1, updatedAt: null };
  private readonly entries = new Map<string, RegistryEntry>();
  private ordered: readonly RegistryEntry[] | null = null;

  get size(): number {
    return this.entries.size;
  }

  get(digest: string): RegistryEntry | undefined {
    return this.entries.get(digest);
  }

  /** Reads what changed since the last time. Inside of a snapshot; done twice it is the same as once. */
  async refresh(on: Connection): Promise<RegistryState> {
    const state = await readState(on);
    if (state.generation === this.state.generation) return state;
    // A database that was put back to an older state is read from its beginning.
    if (state.generation < this.state.generation) this.forget();
    for (const digest of await removalsSince(on, this.state.generation)) this.entries.delete(digest);
    for await (const entry of entriesSince(on, this.state.generation)) this.entries.set(entry.digest, entry);
    this.ordered = null;
    this.state = state;
    return state;
  }

  byDigest(): readonly RegistryEntry[] {
    this.ordered ??= [...this.entries.values()].sort((a, b) => compareText(a.digest, b.digest));
    return this.ordered;
  }

  list(): RegistryEntry[] {
    return [...this.byDigest()].sort((a, b) => compareText(a.name, b.name));
  }

  find(nameOrDigest: string): RegistryEntry {
    const all = this.byDigest();
    const named = all.find(({ name }) => name === nameOrDigest);
    return findEntry(nameOrDigest, named, () => all);
  }

  digest(): string {
    return digestOf(this.byDigest().map(entryLine).join(""));
  }

  private forget(): void {
    this.entries.clear();
    this.state = { generation: -1, updatedAt: null };
  }
}
