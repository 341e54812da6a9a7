/** What an examination of `doctor` found. */
export interface Finding {
  readonly subject: string;
  readonly status: "ok" | "warn" | "fail";
  readonly text: string;
}
