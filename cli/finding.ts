/** A result of an examination of `doctor`. */
export interface Finding {
  readonly subject: string;
  readonly status: "ok" | "warn" | "fail";
  readonly text: string;
}
