import type { ExtraRoutes } from "../web/endpoint-options.ts";
import { sized } from "../web/http/json-response.ts";
import type { PageFiles } from "./page-files.ts";

/** A user that a visitor may be without a token; only `dev` has such users. */
export interface SampleUser {
  readonly id: string;
  readonly name: string;
}

/** The prefixes of the routes: without one, and below `/messaging` for gateways. */
export const pagePrefixes = ["", "/messaging"] as const;

/**
 * Only our own three files run or load, and requests go only to this server: content of a message can never become a script, and the
 * token of the page goes nowhere else.
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

/** Returns the routes of the playground: the page, its script and style, and the sample users. */
export function pageRoutes(options: {
  readonly files: PageFiles;
  readonly users: readonly SampleUser[];
  /** By which the page knows the user id of a pasted token whose subject is not a UUID. */
  readonly subjectNamespace: string | null;
}): ExtraRoutes {
  const { html, script, style } = options.files;
  const users = JSON.stringify({
    users: options.users,
    subject_namespace: options.subjectNamespace,
  });
  return new Map(
    pagePrefixes.flatMap((prefix) => [
      [`GET ${prefix}/playground`, document("text/html; charset=utf-8", html)],
      [`GET ${prefix}/playground/page.js`, document("text/javascript; charset=utf-8", script)],
      [`GET ${prefix}/playground/page.css`, document("text/css; charset=utf-8", style)],
      [`GET ${prefix}/playground/users`, document("application/json; charset=utf-8", users)],
    ]),
  );
}

/** Serves a file that browsers cache but revalidate each time, so that nobody sees an old page after an upgrade. */
function document(type: string, text: string): (request: Request) => Response {
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
    const isKnown = request.headers.get("if-none-match") === etag;
    return isKnown
      ? new Response(null, { status: 304, headers })
      : sized(new Response(text, { headers }), text);
  };
}
