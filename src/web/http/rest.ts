import { Elysia } from "elysia";
import type { NewId } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { Call, Route } from "../controllers/route.ts";
import type { Gate } from "../gate.ts";
import type { Authentication } from "./authentication.ts";
import { isUnfinished } from "./bodies.ts";
import { announcedBytes } from "./body.ts";
import { bodySizeOf } from "./json-response.ts";
import { internal, rejectionResponse } from "./rejections.ts";
import { noRoute, type RequestMeter } from "./request-meter.ts";
import type { SlowClients } from "./slow-clients.ts";

/** Every operation answers at both: gateways may strip the first segment. */
export const restPrefixes = ["/api/v1", "/messaging/api/v1"] as const;

export interface RestOptions {
  readonly routes: readonly Route[];
  readonly authentication: Authentication;
  readonly gate: Gate;
  readonly observer: Observer;
  readonly newId: NewId;
  readonly meter: RequestMeter;
  /** Where a request comes from, as it is counted. */
  readonly addressOf: (request: Request) => string;
  readonly slow: SlowClients;
}

interface Context {
  readonly request: Request;
  readonly params: Readonly<Record<string, string | null>>;
}

type Handler = (context: Context) => Promise<Response> | Response;

/**
 * The REST API as one fetch function that never rejects. Elysia routes and nothing else: bodies and queries are read by the
 * controllers, because what Elysia reads it also coerces and strips, and whatever it refuses leaves
 * through `onError` in our envelope.
 */
export function restApi(options: RestOptions): Elysia {
  // With the default, hosts of fewer than four letters lose the first segment of every path (elysiajs/elysia#748).
  const app = new Elysia({ normalize: false, handler: { standardHostname: false } });
  app.onError(({ code, error, request }) =>
    options.meter.measure(noRoute, request, () => refuse(options, refusalOf(options, code, error))),
  );
  for (const prefix of restPrefixes) mount(app, prefix, options);
  return app as unknown as Elysia;
}

/** Measured under one template for all prefixes. */
function mount(app: { route: unknown; all: unknown }, prefix: string, options: RestOptions): void {
  const { route, all } = bind(app);
  const { meter, routes } = options;
  for (const each of routes) {
    const template = restPrefixes[0] + each.path;
    route(each.method, prefix + each.path, (context) =>
      meter.measure(template, context.request, () => run(options, each, context)),
    );
  }
  for (const [path, methods] of methodsByPath(routes)) {
    const refused = () => refuse(options, wrongMethod, { allow: methods.join(", ") });
    all(prefix + path, ({ request }) => meter.measure(restPrefixes[0] + path, request, refused));
  }
}

/** Elysia's types follow each route through the whole application; ours are those of `Context`, for every route. */
function bind(app: { route: unknown; all: unknown }) {
  const untouched = { parse: "none" };
  const route = app.route as (method: string, path: string, handler: Handler, hook: object) => void;
  const all = app.all as (path: string, handler: Handler, hook: object) => void;
  return {
    route: (method: string, path: string, handler: Handler) =>
      route.call(app, method, path, handler, untouched),
    all: (path: string, handler: Handler) => all.call(app, path, handler, untouched),
  };
}

function methodsByPath(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) methods.set(path, [...(methods.get(path) ?? []), method]);
  return methods;
}

async function run(options: RestOptions, route: Route, { request, params }: Context): Promise<Response> {
  try {
    const [operation] = route.operations;
    const late = options.gate.request(operation);
    if (late) return refuse(options, late);
    const known = await options.authentication.ofRequest(request, () => options.addressOf(request));
    if (isRejection(known)) return refuse(options, known);
    const { identity } = known;
    const tooMuch = request.body && options.gate.body(identity.userId, announcedBytes(request));
    if (tooMuch) return refuse(options, tooMuch);
    const charge = options.gate.requestOf(identity.userId, operation);
    if (isRejection(charge)) return refuse(options, charge);
    const query = new URL(request.url).searchParams;
    countUnknown(options, route, query);
    return await answered(options, route, { request, params, query, identity, charge });
  } catch (error) {
    return refuse(options, bug(options, `${route.method} ${route.path}`, error));
  }
}

async function answered(options: RestOptions, route: Route, given: Omit<Call, "json">): Promise<Response> {
  const { slow, gate } = options;
  const { request, identity } = given;
  const { userId } = identity;
  const answer = await route.run({ ...given, json: () => slow.bodies.json(request, userId) });
  const sentBytes = request.body ? announcedBytes(request) : 0;
  if (answer instanceof Response) gate.answered(userId, route.operations[0], bodySizeOf(answer), sentBytes);
  const bounded = answer instanceof Response ? await slow.answers.bounded(request, userId, answer) : answer;
  if (bounded instanceof Response) return bounded;
  if (request.signal.aborted) return gone();
  return refuse(options, bounded, isUnfinished(bounded) ? { connection: "close" } : {});
}

function countUnknown(
  { observer }: RestOptions,
  { method, path, query: known }: Route,
  query: URLSearchParams,
) {
  if (query.size === 0) return;
  const unknown = [...query.keys()].filter((name) => !known?.includes(name)).length;
  if (unknown > 0) observer.unknownFields(`${method} ${path}`, unknown);
}

function refusalOf(options: RestOptions, code: string | number, error: unknown): Rejection {
  if (code === "NOT_FOUND") return noSuchPath;
  return bug(options, `routing, ${code}`, error);
}

function bug({ observer, newId }: RestOptions, where: string, error: unknown): Rejection {
  const requestId = newId();
  observer.bug(`${where}, request ${requestId}`, error);
  return internal(requestId);
}

function refuse(
  { observer }: RestOptions,
  rejection: Rejection,
  headers: Readonly<Record<string, string>> = {},
): Response {
  observer.refused(rejection.code);
  return rejectionResponse(rejection, headers);
}

/** Answers a client that closed its connection. It is never read. */
function gone(): Response {
  return new Response(null, { status: 499 });
}

const noSuchPath = reject("not_found", "There is nothing at this path.");
const wrongMethod = reject(
  "method_not_allowed",
  "This path does not answer to this method; see the allow header.",
);
