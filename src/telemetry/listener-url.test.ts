import { expect, test } from "bun:test";
import { listenerUrl } from "./listener-url.ts";

const cases = [
  ["127.0.0.1", "http://127.0.0.1:4000"],
  ["messages.example", "http://messages.example:4000"],
  ["::1", "http://[::1]:4000"],
  ["2001:db8::7", "http://[2001:db8::7]:4000"],
  ["fe80::1%eth0", "http://[fe80::1%25eth0]:4000"],
  ["0.0.0.0", "http://127.0.0.1:4000"],
  ["0", "http://127.0.0.1:4000"],
  ["::", "http://[::1]:4000"],
  ["0:0:0:0:0:0:0:0", "http://[::1]:4000"],
  ["::ffff:0.0.0.0", "http://127.0.0.1:4000"],
] as const;

test.each(cases)("a listener on %s is opened as %s", (host, url) => {
  expect(listenerUrl(host, 4000)).toBe(url);
});
