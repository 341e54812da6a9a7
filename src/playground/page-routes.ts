import type { ExtraRoutes } from "../web/endpoint-options.ts";
import { sized } from "../web/http/json-response.ts";
import type { PageFiles } from "./page-files.ts";

/** Somebody whom a visitor may be without a token of his own; only `dev` has such users. */
export interface SampleUser {
  readonly id: string;
  readonly name: string;
}

/** Behind gateways as well, like everything else. */
export const pagePrefixes = ["", "/messaging"] as const;

/**
 * Nothing but our own three files runs or is loaded, and nothing is sent anywhere but to us: what a message holds can never become a
 * script, and the token that the page keeps goes nowhere else.
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

/** The playground at `/playground`: the page, its script and style, and whom one may be there. */
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

/** Kept by browsers, and asked for again each time: after an upgrade nobody sees the page of before. */
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
