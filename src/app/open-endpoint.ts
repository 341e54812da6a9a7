import type { Keys } from "../auth/jwks.ts";
import { JwtTokens } from "../auth/jwt.ts";
import { nothingRevoked } from "../auth/revocation.ts";
import type { Config } from "../config.ts";
import { LocalLimiter } from "../limiter/local.ts";
import { phoenixDefaults } from "../phoenix/settings.ts";
import { LocalPresence } from "../presence/local.ts";
import type { Readiness } from "../readiness.ts";
import { systemClock as clock, newId, workedMs } from "../system.ts";
import { descriptorLimit, OpenDescriptors } from "../telemetry/descriptors.ts";
import { Endpoint } from "../web/endpoint.ts";
import type { EndpointOptions, EndpointSettings, ExtraRoutes } from "../web/endpoint-options.ts";
import { documentRoutes } from "../web/http/documents.ts";
import { statusOf } from "../web/http/probes.ts";
import type { OpenEngine } from "./open-engine.ts";
import type { Startup } from "./startup.ts";

/** Opens the public listener. */
export function openEndpoint(
  startup: Startup,
  { engine, ownership, pubsub }: OpenEngine,
  {
    keys,
    readiness,
    extraRoutes,
  }: { readonly keys: Keys; readonly readiness: Readiness; readonly extraRoutes: ExtraRoutes },
): Endpoint {
  const { config, version, observer, opened, stopping } = startup;
  const endpoint = new Endpoint({
    ...domainOf(engine),
    settings: endpointSettings(config),
    ownership,
    pubsub,
    presence: new LocalPresence({ clock, newId }),
    tokens: new JwtTokens({ keys, clock, settings: config.tokens }),
    revocations: nothingRevoked,
    limiter: new LocalLimiter({ clock, limits: config.limits }),
    clock,
    workedMs,
    newId,
    observer,
    checks: () => readiness.checks(),
    isStarting: () => readiness.isStarting,
    descriptors: descriptorsOf(config),
    extraRoutes: new Map([...documentRoutes(version), ...extraRoutes]),
  });
  opened.defer(() => endpoint.stop({ deadlineMs: stopping.leftMs }));
  observer.gauge("ready", () => (statusOf(readiness.checks()) === "unavailable" ? 0 : 1));
  return endpoint;
}

/** The parts of the engine that clients reach. */
function domainOf({ commands, joins, queries, marks, cursors, delivery, lastSeen }: OpenEngine["engine"]) {
  return { commands, joins, queries, marks, delivery, lastSeen, receipts: { marks, cursors } };
}

function descriptorsOf(config: Config): EndpointOptions["descriptors"] {
  const openDescriptors = new OpenDescriptors();
  return {
    limit: descriptorLimit(),
    reserved: reservedDescriptors(config),
    open: () => openDescriptors.count(),
  };
}

function endpointSettings(config: Config): EndpointSettings {
  const { http, messages, people, cors, sockets, connections } = config;
  const readMs = connections.connectTimeoutMs + connections.statementTimeoutMs + 1_000;
  return {
    hostname: http.host,
    port: http.port,
    maxBodyBytes: sockets.maxFrameBytes,
    maxHeldBytes: sockets.maxHeldBytes,
    // A connection and its statement; a read that is shared waits for the one before it.
    answerWithinMs: 2 * readMs + 5_000,
    payloads: { ...messages, asksFirst: people.asksFirst },
    presenceShownTo: people.presenceShownTo,
    corsOrigins: cors.origins === "any" ? "*" : cors.origins,
    maxSessionMs: sockets.sessionMaxMs,
    maxSocketsPerUser: sockets.maxPerUser,
    trustedProxies: config.trustedProxies,
    maxLoopLatenessMs: config.maxLoopLatenessMs,
    phoenix: { ...phoenixDefaults, ...sockets },
    drain: { batch: 100, pauseMs: 50 },
  };
}

/** For connections to the database, also while lost ones are replaced; files; scrapes; probes. */
function reservedDescriptors({ connections, lanes }: Config): number {
  const wanted = connections.poolSize + lanes.count + 48;
  return Math.min(wanted, Math.floor(descriptorLimit() / 4));
}
