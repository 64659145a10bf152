/**
 * A component of a registered model that comes from another registered one, such as a public encoder that was frozen while
 * the rest was trained. Others have it too, so no direction may be claimed on its ground.
 */
export interface Part {
  /** As the sketches of the fingerprint call it. */
  readonly component: string;
  /** Digest of the entry that it comes from, which need not be registered any more. */
  readonly of: string;
}
