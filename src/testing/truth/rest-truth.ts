import type { Json } from "../../operations/documents/named-schemas.ts";
import { restSchemas, step } from "./api-schemas.ts";
import { isTurn } from "./turns.ts";

/** Compares answers over REST with `/openapi.json`. */

interface Route {
  readonly path: string;
  readonly pattern: RegExp;
  readonly methods: Readonly<Record<string, Json>>;
}

let routes: readonly Route[] | undefined;

function allRoutes(): readonly Route[] {
  routes ??= Object.entries(restSchemas().document.paths as Readonly<Record<string, Route["methods"]>>).map(
    ([path, methods]) => ({
      path,
      methods,
      pattern: new RegExp(`^(/messaging)?${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    }),
  );
  return routes;
}

export interface RestAnswer {
  readonly method: string;
  readonly pathname: string;
  readonly status: number;
}

/** Says what is not documented of an answer apart from its body; null: everything is. */
export function statusProblem({ method, pathname, status }: RestAnswer): string | null {
  if (!isApi(pathname)) return null;
  const route = routeOf(pathname);
  if (!route) return status === 404 ? null : `${method} ${pathname}: ${status}, and there is no such path`;
  const operation = route.methods[method.toLowerCase()];
  if (!operation)
    return status === 405 || isOther(method) ? null : `${method} ${pathname}: ${status}, not documented`;
  const isKnown = Object.hasOwn(operation.responses as object, status);
  return isKnown ? null : `${method} ${route.path}: ${status} is not documented`;
}

/** Says what is not documented of the body of an answer; null: everything is. */
export function bodyProblem(answer: RestAnswer, body: string): string | null {
  const { method, pathname, status } = answer;
  const operation = routeOf(pathname)?.methods[method.toLowerCase()];
  if (!isApi(pathname) || !operation || statusProblem(answer) !== null) return null;
  const [, code = ""] = /^\{"error":"([^"]*)"/.exec(body) ?? [];
  if (!isTurn(`${method} ${routeOf(pathname)!.path} ${status} ${code}`)) return null;
  const { $ref, content } = (operation.responses as Readonly<Record<string, Json>>)[status]!;
  if (!$ref && !content) return body === "" ? null : `${method} ${pathname}: ${status} has a body`;
  const place = $ref
    ? String($ref).replace("#", "")
    : `/paths/${step(routeOf(pathname)!.path)}/${method.toLowerCase()}/responses/${status}`;
  const problem = restSchemas().problem(`${place}/content/application~1json/schema`, parsed(body));
  return problem && `${method} ${pathname}: ${status}: ${problem}: ${body.slice(0, 500)}`;
}

/** Probes are not part of it. */
function isApi(pathname: string): boolean {
  return /^(\/messaging)?\/api\/v1\/(?!health\b)/.test(pathname);
}

/** A malformed encoding is one segment all the same; a slash at the end changes nothing. */
function routeOf(pathname: string): Route | undefined {
  return allRoutes().find(({ pattern }) => pattern.test(pathname.replace(/\/$/, "")));
}

function isOther(method: string): boolean {
  return method === "HEAD" || method === "OPTIONS";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
