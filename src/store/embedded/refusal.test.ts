import { expect, test } from "bun:test";
import { unsafeEntry } from "./refusal.ts";

test("a name that PostgreSQL's user chose moves no cursor of the person who reads the refusal", () => {
  const { message } = unsafeEntry("/data/\u001b[2J\u009b2J\r", "is a link");
  expect(message).toStartWith("/data/\\u001b[2J\\u009b2J\\u000d: is a link");
});
