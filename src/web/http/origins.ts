import { type Rejection, reject } from "../../core/rejection.ts";
import type { AllowedOrigins } from "./cors.ts";

/**
 * Why a web page may not open a socket. Browsers let any page open one to anywhere and only say which page it is (`Origin`, RFC 6455 10.2),
 * so the server decides: by the same setting as for requests, and our own pages always. Null: allowed. Native clients name no origin, or
 * the address that they connect to.
 */
export function originRefusal(request: Request, allowed: AllowedOrigins): Rejection | null {
  const origin = request.headers.get("origin");
  if (origin === null || allowed === "*") return null;
  const page = URL.parse(origin);
  if (page && (allowed.includes(serialized(page)) || isOurs(page, request.headers))) return null;
  return otherPage;
}

/** Schemes that the URL standard does not know (`capacitor://localhost`) have an origin all the same. */
function serialized({ origin, protocol, host }: URL): string {
  return origin === "null" && host !== "" ? `${protocol}//${host}` : origin;
}

/** A page of this server, under any name that the handshake was sent to. A page cannot set these headers; proxies that change the host name the first one. */
function isOurs(page: URL, headers: Headers): boolean {
  const hosts = [headers.get("host"), ...(headers.get("x-forwarded-host")?.split(",") ?? [])];
  return hosts.some(
    (host) => host !== null && URL.parse(`${page.protocol}//${host.trim()}`)?.host === page.host,
  );
}

const otherPage = reject(
  "forbidden",
  "Pages of this origin may not connect here: CORS_ALLOWED_ORIGINS names those that may.",
);
