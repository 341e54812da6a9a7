import { isRejection, type Rejection, reject } from "../core/rejection.ts";
import { refusedField } from "../operations/refused-field.ts";
import type { ExtraRoutes } from "../web/endpoint-options.ts";
import { readJson } from "../web/http/body.ts";
import { jsonResponse } from "../web/http/json-response.ts";
import { rejectionResponse } from "../web/http/rejections.ts";
import { pagePrefixes } from "../web/pages/page-routes.ts";
import type { SampleUser } from "./page-routes.ts";

export interface TokenRouteOptions {
  readonly users: readonly SampleUser[];
  readonly ttlMs: number;
  readonly sign: (given: {
    readonly userId: string;
    readonly deviceId: string;
    readonly ttlMs: number;
  }) => Promise<string>;
}

const maxBytes = 1_000;
const deviceForm = /^[\w-]{1,64}$/;

/** For `dev` only: issues a token of a sample user to the playground. */
export function tokenRoute(options: TokenRouteOptions): ExtraRoutes {
  return new Map(
    pagePrefixes.map((prefix) => [
      `POST ${prefix}/playground/token`,
      (request: Request) => answer(options, request),
    ]),
  );
}

async function answer(options: TokenRouteOptions, request: Request): Promise<Response> {
  const token = await mint(options, request);
  if (isRejection(token)) return rejectionResponse(token);
  return jsonResponse(200, JSON.stringify({ token: token.text, expires_in_ms: options.ttlMs }));
}

async function mint(
  { users, ttlMs, sign }: TokenRouteOptions,
  request: Request,
): Promise<{ readonly text: string } | Rejection> {
  if (!isFromOurPage(request)) return otherPage;
  const body = await readJson(request, maxBytes);
  if (isRejection(body)) return body;
  const { user_id: userId, device_id: deviceId } = (body.value ?? {}) as Readonly<Record<string, unknown>>;
  if (!users.some(({ id }) => id === userId)) return refusedField("user_id", "must be that of a sample user");
  if (typeof deviceId !== "string" || !deviceForm.test(deviceId)) return badDevice;
  return { text: await sign({ userId: String(userId), deviceId, ttlMs }) };
}

/**
 * Other web pages in the same browser can reach a server on loopback. They cannot forge their origin. A host name that points here
 * (DNS rebinding) is neither an IP address nor localhost.
 */
function isFromOurPage(request: Request): boolean {
  const origin = URL.parse(request.headers.get("origin") ?? "");
  const isSame = origin !== null && origin.host === request.headers.get("host");
  return isSame && (isAddress(origin.hostname) || /(^|\.)localhost$/.test(origin.hostname));
}

function isAddress(hostname: string): boolean {
  return /^[\d.]+$|^\[.+\]$/.test(hostname);
}

const otherPage = reject(
  "forbidden",
  "Only the playground may request tokens here, opened by an IP address or as localhost. For other uses run `whispr-msg token`.",
);
const badDevice = refusedField("device_id", "must be 1 to 64 letters, digits, - or _");
