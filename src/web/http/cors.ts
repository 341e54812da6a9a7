/** Which web pages may call us: any, or those of these origins. Settings: `CORS_ALLOWED_ORIGINS`. */
export type AllowedOrigins = "*" | readonly string[];

/** Cross-origin sharing (Fetch standard, CORS protocol), for every response whatever made it. */
export class Cors {
  readonly #origins: AllowedOrigins;

  constructor(options: { readonly origins: AllowedOrigins }) {
    this.#origins = options.origins;
  }

  /** The answer to a preflight: 204, with or without permission. Null: the request is not one. */
  preflight(request: Request): Response | null {
    if (request.method !== "OPTIONS") return null;
    const response = this.decorate(request, new Response(null, { status: 204 }));
    if (!response.headers.has("access-control-allow-origin")) return response;
    response.headers.set("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS");
    response.headers.set(
      "access-control-allow-headers",
      "authorization, content-type, accept, idempotency-key",
    );
    response.headers.set("access-control-max-age", "86400");
    return response;
  }

  /** Adds the permission to a response, in place. Credentials are only for origins that were named. */
  decorate(request: Request, response: Response): Response {
    const { headers } = response;
    if (this.#origins === "*") headers.set("access-control-allow-origin", "*");
    else this.#allowListed(request.headers.get("origin"), this.#origins, headers);
    headers.set("access-control-expose-headers", "retry-after");
    return response;
  }

  #allowListed(origin: string | null, allowed: readonly string[], headers: Headers): void {
    headers.append("vary", "origin");
    if (origin === null || !allowed.includes(origin)) return;
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-allow-credentials", "true");
  }
}
