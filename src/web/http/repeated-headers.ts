import { type Rejection, reject } from "../../core/rejection.ts";

/** Headers that a request may have only once: of two, a proxy may obey the first and this server the last (RFC 9112 3.2, 6.3). */
const single = ["host", "content-length"] as const;

/** Returns the refusal of a request that repeats such a header, even with the same value: the runtime joins them by commas. */
export function repeatedHeader({ headers }: Request): Rejection | null {
  for (const name of single) if (headers.get(name)?.includes(",")) return refusals[name];
  return null;
}

const refusals = {
  host: reject("invalid_payload", "A request has one Host header; this one has several, or a comma in it."),
  "content-length": reject(
    "invalid_payload",
    "A request has one Content-Length header; this one has several.",
  ),
};
