import { type AnyElysia, Elysia } from "elysia";
import type { Costs } from "../../core/limits/costs.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Identity } from "../../core/ports/tokens.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import { operations } from "../../operations/list.ts";
import type { Answer, RestDoor } from "../../operations/operation.ts";
import type { Services } from "../../operations/services.ts";
import type { Gate } from "../gate.ts";
import type { Authentication } from "./authentication.ts";
import { isUnfinished } from "./bodies.ts";
import { announcedBytes } from "./body.ts";
import { bodySizeOf, dataResponse } from "./json-response.ts";
import { internal, rejectionResponse } from "./rejections.ts";
import { noRoute, type RequestMeter } from "./request-meter.ts";
import type { SlowClients } from "./slow-clients.ts";

/** Every operation answers at both: gateways may strip the first segment. */
export const restPrefixes = ["/api/v1", "/messaging/api/v1"] as const;

export interface RestOptions {
  readonly services: Services;
  readonly authentication: Authentication;
  readonly gate: Gate;
  readonly observer: Observer;
  readonly newId: NewId;
  readonly meter: RequestMeter;
  /** Returns the address of a request, as it is counted. */
  readonly addressOf: (request: Request) => string;
  readonly slow: SlowClients;
}

interface Context {
  readonly request: Request;
  readonly params: Readonly<Record<string, string | null>>;
}

/** A door of the REST API, with what its operation costs. */
interface Route {
  readonly door: RestDoor;
  readonly costs: Costs;
}

const routes: readonly Route[] = operations.flatMap(({ rest, costs }) =>
  rest.map((door) => ({ door, costs })),
);

/** Elysia reads no body: what it reads it also coerces and strips. */
const untouched = { parse: "none" } as const;

/**
 * The REST API as one fetch function that never rejects: a loop over the list of operations. Elysia routes; bodies and queries are checked by
 * the shapes of the operations, once the caller is known and their bytes are counted. What Elysia refuses leaves through `onError` in our
 * envelope.
 */
export function restApi(options: RestOptions): AnyElysia {
  // With the default, hosts of fewer than four letters lose the first segment of every path (elysiajs/elysia#748).
  const app = new Elysia({ normalize: false, handler: { standardHostname: false } });
  app.onError(({ code, error, request }) =>
    options.meter.measure(noRoute, request, () => refuse(options, refusalOf(options, code, error))),
  );
  for (const prefix of restPrefixes) mount(app, prefix, options);
  return app;
}

/** Measured under one template for all prefixes. */
function mount(app: AnyElysia, prefix: string, options: RestOptions): void {
  const { meter } = options;
  for (const route of routes) {
    const { method, path } = route.door;
    const template = restPrefixes[0] + path;
    app.route(
      method,
      prefix + path,
      ({ request, params }) =>
        meter.measure(template, request, () => run(options, route, { request, params })),
      untouched,
    );
  }
  for (const [path, methods] of methodsByPath()) {
    const refused = () => refuse(options, wrongMethod, { allow: methods.join(", ") });
    app.all(
      prefix + path,
      ({ request }) => meter.measure(restPrefixes[0] + path, request, refused),
      untouched,
    );
  }
}

function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const { door } of routes) methods.set(door.path, [...(methods.get(door.path) ?? []), door.method]);
  return methods;
}

async function run(options: RestOptions, route: Route, context: Context): Promise<Response> {
  const { gate, authentication } = options;
  const { request } = context;
  const { door, costs } = route;
  try {
    const late = gate.request(costs);
    if (late) return refuse(options, late);
    const known = await authentication.ofRequest(request, () => options.addressOf(request));
    if (isRejection(known)) return refuse(options, known);
    const { userId } = known.identity;
    const tooMuch = request.body && gate.body(userId, announcedBytes(request));
    if (tooMuch) return refuse(options, tooMuch);
    return await answered(options, route, context, known.identity);
  } catch (error) {
    return refuse(options, bug(options, `${door.method} ${door.path}`, error));
  }
}

async function answered(
  options: RestOptions,
  { door, costs }: Route,
  { request, params }: Context,
  identity: Identity,
): Promise<Response> {
  const { slow, gate, services, observer } = options;
  const { userId, deviceId } = identity;
  const charge = gate.requestOf(userId, costs);
  if (isRejection(charge)) return refuse(options, charge);
  const query = new URL(request.url).searchParams;
  countUnknown(observer, door, query);
  const call = {
    caller: { userId, deviceId, deviceTag: deviceTagOf(deviceId) },
    params,
    query,
    charge,
    hasBody: request.body !== null,
    header: (name: string) => request.headers.get(name),
    json: () => slow.bodies.json(request, userId),
  };
  const answer = await door.answer(call, services);
  if (isRejection(answer)) return refused(options, request, answer);
  const response = responseOf(answer);
  gate.answered(userId, costs, bodySizeOf(response), request.body ? announcedBytes(request) : 0);
  const bounded = await slow.answers.bounded(request, userId, response);
  return bounded instanceof Response ? bounded : refused(options, request, bounded);
}

function responseOf(answer: Answer): Response {
  if (answer.status === 204) return new Response(null, { status: 204 });
  return dataResponse(answer.status, answer.data, answer.meta ?? "{}");
}

function refused(options: RestOptions, request: Request, rejection: Rejection): Response {
  if (request.signal.aborted) return gone();
  return refuse(options, rejection, isUnfinished(rejection) ? { connection: "close" } : {});
}

function countUnknown(
  observer: Observer,
  { method, path, query: known }: RestDoor,
  query: URLSearchParams,
): void {
  if (query.size === 0) return;
  const unknown = [...query.keys()].filter((name) => !Object.hasOwn(known, name)).length;
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
