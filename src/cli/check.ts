export interface Check {
  readonly name: string;
  readonly status: "ok" | "absent" | "failed";
  readonly detail: string;
}
