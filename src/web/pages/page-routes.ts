import type { ExtraRoutes } from "../endpoint-options.ts";
import { sized } from "../http/json-response.ts";
import type { PageFiles } from "./page-files.ts";

/** The prefixes of the routes: without one, and below `/messaging` for gateways. */
export const pagePrefixes = ["", "/messaging"] as const;

/**
 * Only our own three files run or load, and requests go only to this server: content of a message can never become a script, and the
 * token of a page goes nowhere else.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Returns the routes of a page at `path`: the page, its script and its style. */
export function pageRoutes(path: string, { html, script, style }: PageFiles): ExtraRoutes {
  return new Map(
    pagePrefixes.flatMap((prefix) => [
      [`GET ${prefix}${path}`, textRoute("text/html; charset=utf-8", html)],
      [`GET ${prefix}${path}/page.js`, textRoute("text/javascript; charset=utf-8", script)],
      [`GET ${prefix}${path}/page.css`, textRoute("text/css; charset=utf-8", style)],
    ]),
  );
}

/** Serves a text that clients cache but revalidate each time, so that nobody sees an old one after an upgrade. */
export function textRoute(type: string, text: string): (request: Request) => Response {
  const etag = `"${Bun.hash(text).toString(36)}"`;
  const headers = {
    "content-type": type,
    etag,
    "cache-control": "no-cache",
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  return (request) => {
    return isKnown(etag, request.headers.get("if-none-match"))
      ? new Response(null, { status: 304, headers })
      : sized(new Response(text, { headers }), text);
  };
}

/** Whether a client has this version: proxies that compress mark its tag as weak (RFC 9110 13.1.2). */
function isKnown(etag: string, ifNoneMatch: string | null): boolean {
  return (ifNoneMatch ?? "").split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}
