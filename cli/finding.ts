/** What an examination of `doctor` found. */
export interface Finding {
  readonly subject: string;
  readonly verdict: "good" | "doubtful" | "bad";
  readonly text: string;
}
