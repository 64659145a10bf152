export interface ConnectionOptions {
  readonly idleTimeoutMs: number;
  readonly connections: number;
}
