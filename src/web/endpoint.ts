import type { Server } from "bun";
import { Charges } from "../core/limits/charge.ts";
import { Visibility } from "../core/presence/visibility.ts";
import { isRejection, type Rejection, reject } from "../core/rejection.ts";
import type { Delivery } from "../engine/sync/delivery.ts";
import type { Services } from "../operations/services.ts";
import { canonicalTopic } from "../operations/topics/topics.ts";
import { MessageTexts } from "../operations/views/message-texts.ts";
import type { Routes } from "../phoenix/channel.ts";
import { frameLot } from "../phoenix/intake.ts";
import { type SocketData, Sockets } from "../phoenix/sockets.ts";
import { listenerUrl } from "../telemetry/listener-url.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { Gate } from "./gate.ts";
import { AcceptOverflow } from "./http/accept-overflow.ts";
import type { Admission } from "./http/admission.ts";
import { openAdmission } from "./http/admission-wiring.ts";
import { Authentication } from "./http/authentication.ts";
import { announcesTooMuch, bringsUselessBody, tooLarge, uselessBody } from "./http/body.ts";
import { ClientAddresses } from "./http/client-address.ts";
import { ConnectionCap } from "./http/connection-cap.ts";
import { Cors } from "./http/cors.ts";
import { EventLoopLag } from "./http/event-loop-lag.ts";
import { FailedTokens } from "./http/failed-tokens.ts";
import { type Admitted, Handshakes, socketPaths } from "./http/handshake.ts";
import { longPollPaths, noLongPolling } from "./http/long-poll.ts";
import { probe } from "./http/probes.ts";
import { ProxyWatch } from "./http/proxy-watch.ts";
import { QuickAnswers } from "./http/quick-answers.ts";
import { internal, rejectionResponse } from "./http/rejections.ts";
import { repeatedHeader } from "./http/repeated-headers.ts";
import { noRoute, RequestMeter } from "./http/request-meter.ts";
import { restApi } from "./http/rest.ts";
import { RetryPauses } from "./http/retry-pauses.ts";
import { type SlowClients, watchSlowClients } from "./http/slow-clients.ts";
import { Broadcasts } from "./realtime/broadcasts.ts";
import { frameLimitOf } from "./realtime/frame-limits.ts";
import { Presences } from "./realtime/presences.ts";
import { UserSubscriptions } from "./realtime/receivers.ts";
import type { Session } from "./realtime/session.ts";
import { SessionEnds } from "./realtime/session-ends.ts";
import { socketsObserver } from "./realtime/sockets-observer.ts";
import { Standby } from "./realtime/standby.ts";
import { Typing } from "./realtime/typing.ts";
import { UserSockets } from "./realtime/user-sockets.ts";
import { channelsOf, refusedFrame } from "./routes.ts";

/**
 * The public listener: WebSocket handshakes, probes, REST. Listens from construction on; throws as `Bun.serve` does when it
 * cannot (`EADDRINUSE`). Subscribes to the bus: what is published reaches the sockets from then on.
 */
export class Endpoint {
  readonly sockets: Sockets<Session>;
  readonly #options: EndpointOptions;
  readonly #server: Server<SocketData<Session>>;
  readonly #handshakes: Handshakes;
  readonly #admission: Admission;
  readonly #pauses: RetryPauses;
  readonly #userSockets: UserSockets;
  readonly #ends: SessionEnds;
  readonly #lateness: EventLoopLag;
  readonly #typing: Typing;
  readonly #presences: Presences;
  readonly #delivery: Delivery;
  readonly #standby: Standby;
  readonly #cors: Cors;
  readonly #proxies: ProxyWatch;
  readonly #cap: ConnectionCap;
  readonly #overflow: AcceptOverflow;
  readonly #quick = new QuickAnswers();
  readonly #meter: RequestMeter;
  readonly #addressOf: (request: Request) => string;
  readonly #rest: (request: Request) => Response | Promise<Response>;
  readonly #slow: SlowClients;
  /** Requests that are not answered yet. */
  #unanswered = 0;
  #stopping = false;

  constructor(options: EndpointOptions) {
    const { settings, clock, observer, limiter } = options;
    const lateness = new EventLoopLag({ clock, maxMs: settings.maxLoopLatenessMs });
    this.#pauses = new RetryPauses(options);
    this.#admission = openAdmission({ ...options, pauses: this.#pauses });
    const charges = new Charges({ limiter, observer });
    const gate = new Gate({ charges, lateness, pauses: this.#pauses });
    const failures = new FailedTokens({ charges, clock });
    const authentication = new Authentication({ ...options, failures });
    const texts = new MessageTexts();
    const addresses = new ClientAddresses(settings);
    this.#proxies = new ProxyWatch({ addresses, observer });
    this.#cap = new ConnectionCap({ limits: options.descriptors, clock, observer });
    this.#meter = new RequestMeter(options);
    this.#options = options;
    this.#userSockets = new UserSockets(settings);
    this.#lateness = lateness;
    this.#cors = new Cors({ origins: settings.corsOrigins });
    this.#handshakes = new Handshakes({
      authentication,
      gate,
      admission: this.#admission,
      userSockets: this.#userSockets,
      observer,
      origins: settings.corsOrigins,
      clock,
      maxSessionMs: settings.maxSessionMs,
    });
    // A channel is asked for when a socket joins, which is after everything here is made.
    let channelOf: Routes<Session> = () => undefined;
    this.sockets = new Sockets({
      routes: (topic) => channelOf(topic),
      canonical: canonicalTopic,
      gate: (session, frame) => refusedFrame(gate, observer, session, frame.event),
      ownerOf: ({ userId }) => userId,
      frameLimit: frameLimitOf(settings),
      takeLot: (session) => gate.frames(session, frameLot),
      settings: settings.phoenix,
      observer: socketsObserver(observer, this.#userSockets),
      clock: { now: () => clock.monotonicMs() },
    });
    this.#addressOf = (request) => addresses.ofRequest(request, this.#server);
    this.#slow = watchSlowClients({
      ...settings,
      clock,
      observer,
      server: () => this.#server,
      unanswered: () => this.#unanswered,
    });
    const visibility = new Visibility({ shownTo: settings.presenceShownTo });
    this.#server = this.#listen();
    const { descriptors: limits } = options;
    this.#overflow = new AcceptOverflow({ port: this.#server.port!, limits, clock, observer });
    this.sockets.attach(this.#server);
    this.#ends = new SessionEnds({ clock, sockets: this.sockets, observer });
    this.#typing = new Typing(options);
    const { sockets } = this;
    const wentOffline = (userId: string, atUs: number) => options.lastSeen.seen(userId, atUs);
    this.#presences = new Presences({
      ...options,
      visibility,
      sockets,
      lateness,
      admission: this.#admission,
      wentOffline,
    });
    const live = { gate, texts, visibility, typing: this.#typing, presences: this.#presences };
    const broadcasts = new Broadcasts({ ...options, ...live, sockets });
    const { delivery } = broadcasts;
    this.#delivery = delivery;
    this.#standby = new Standby({ ...options, sockets, broadcasts });
    const subscriptions = new UserSubscriptions({ delivery });
    const services = servicesOf(options, live);
    channelOf = channelsOf({ ...options, ...live, delivery, subscriptions, services });
    const rest = restApi({
      services,
      authentication,
      gate,
      observer,
      newId: options.newId,
      meter: this.#meter,
      addressOf: this.#addressOf,
      slow: this.#slow,
    });
    this.#rest = rest.compile().fetch;
    rest.server = this.#server;
    observer.gauge("sockets", () => this.sockets.size);
    observer.gauge("unread_socket_bytes", () => this.sockets.unreadBytes);
    observer.gauge("online_users", () => options.presence.size);
  }

  /** The port that was taken. */
  get port(): number {
    return this.#server.port!;
  }

  /** Where it can be opened. */
  get url(): string {
    return listenerUrl(this.#options.settings.hostname, this.#server.port!);
  }

  /**
   * Ends in order, within the deadline: the listener closes, sockets are told 1012 in batches, requests under way are
   * answered; then whatever is left is cut. Resolves when nothing of it is left.
   */
  async stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#stopping = true;
    this.#admission.stop();
    this.#ends.stop();
    this.#standby.stop();
    this.#overflow.stop();
    const ended = this.#server.stop();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(deadlineMs, resolve);
    await Promise.race([Promise.all([this.#drain(deadlineMs), ended]), late]);
    cancel();
    await this.#server.stop(true);
    this.sockets.stop();
    this.#lateness.stop();
    this.#typing.stop();
    this.#presences.stop();
    this.#delivery.stop();
  }

  /** At most half of the deadline is spent on pauses. */
  #drain(deadlineMs: number): Promise<void> {
    const { batch, pauseMs } = this.#options.settings.drain;
    const batches = Math.ceil(this.sockets.size / batch);
    const longestPauseMs = Math.floor(deadlineMs / 2 / Math.max(1, batches));
    return this.sockets.drain({ batch, pauseMs: Math.min(pauseMs, longestPauseMs), code: 1012 });
  }

  #listen(): Server<SocketData<Session>> {
    const { hostname, port, maxBodyBytes, answerWithinMs } = this.#options.settings;
    return Bun.serve({
      hostname,
      port,
      // Ours is smaller and answers in our envelope; this one bounds what Bun buffers of a body that nobody reads.
      maxRequestBodySize: 16 * maxBodyBytes,
      // With the default of 10 s a GET that waits for a slow database is cut off without an answer; a request with a body never is.
      idleTimeout: Math.min(longestIdleSeconds, Math.ceil(answerWithinMs / 1000)),
      fetch: (request, server) => this.#fetch(request, server),
      error: (error) => this.#failed("fetch", error),
      websocket: this.sockets.websocket,
    });
  }

  async #fetch(request: Request, server: Server<SocketData<Session>>): Promise<Response | undefined> {
    this.#unanswered++;
    const turn = this.#quick.begin();
    try {
      const response = this.#cors.preflight(request) ?? (await this.#answer(request, server));
      if (response && (this.#quick.closes(turn) || this.#cap.isCrowded))
        response.headers.set("connection", "close");
      return response && this.#cors.decorate(request, response);
    } catch (error) {
      return this.#failed("fetch", error);
    } finally {
      this.#unanswered--;
    }
  }

  async #answer(request: Request, server: Server<SocketData<Session>>): Promise<Response | undefined> {
    const { settings, checks, clock, extraRoutes } = this.#options;
    const repeated = repeatedHeader(request);
    if (repeated) return this.#meter.measure(noRoute, request, () => this.#refuse(repeated));
    // Load balancers probe by HTTP/1.0, without a host: the url is a path then.
    const url = URL.parse(request.url, "http://nohost");
    const all = () => ({ ...checks(), descriptors: this.#cap.check });
    const probed = url && probe(request.method, url, { checks: all, nowUs: () => clock.nowUs() });
    if (probed) return this.#meter.measure("probe", request, () => probed);
    const refusal = this.#refusal(request, url, settings.maxBodyBytes);
    if (refusal) return this.#meter.measure(noRoute, request, () => this.#refuse(refusal));
    const { pathname } = url!;
    this.#proxies.request(request, () => peerOf(request, server));
    if (socketPaths.has(pathname)) {
      const [template] = socketPaths;
      return this.#meter.measure(template!, request, () => this.#open(request, server));
    }
    if (longPollPaths.has(pathname)) return this.#meter.measure(pathname, request, noLongPolling);
    const extra = extraRoutes.get(`${request.method} ${pathname}`);
    if (!extra) return this.#rest(request);
    return this.#meter.measure(pathname, request, async () => this.#bounded(request, await extra(request)));
  }

  /** Pages carry no token: what is unread of them counts for the address. */
  async #bounded(request: Request, answer: Response): Promise<Response> {
    const bounded = await this.#slow.answers.bounded(request, this.#addressOf(request), answer);
    return bounded instanceof Response ? bounded : this.#refuse(bounded);
  }

  /** What is refused wherever it goes. */
  #refusal(request: Request, url: URL | null, maxBodyBytes: number): Rejection | null {
    if (!url || request.url.startsWith("/")) return noHost;
    if (bringsUselessBody(request)) return uselessBody;
    return this.#cap.request() ?? (announcesTooMuch(request, maxBodyBytes) ? tooLarge(maxBodyBytes) : null);
  }

  /** Undefined: the connection is a socket now. */
  async #open(request: Request, server: Server<SocketData<Session>>): Promise<Response | undefined> {
    if (this.#stopping) return this.#refuse(this.#stoppingNow());
    const full = this.#cap.handshake();
    if (full) this.#options.observer.handshake("descriptors");
    if (full) return this.#refuse(full);
    this.#proxies.handshake(request, peerOf(request, server));
    const admitted = await this.#handshakes.admit(request, this.#addressOf(request));
    if (isRejection(admitted)) return this.#refuse(admitted);
    const refusal = this.#upgrade(request, server, admitted);
    if (refusal) admitted.session.arrival.end();
    return refusal && this.#refuse(refusal);
  }

  #upgrade(
    request: Request,
    server: Server<SocketData<Session>>,
    { session, subprotocol }: Admitted,
  ): Rejection | undefined {
    const tooMany = this.#userSockets.refusal(session.userId);
    if (tooMany) this.#options.observer.handshake("user_sockets");
    if (tooMany) return tooMany;
    if (!this.sockets.upgrade(request, server, session, subprotocol))
      return this.#stopping ? this.#stoppingNow() : notUpgraded;
    this.#ends.opened(session);
    return undefined;
  }

  #stoppingNow(): Rejection {
    return reject("unavailable", "This server is stopping.", { retryAfterMs: this.#pauses.next() });
  }

  #refuse(rejection: Rejection): Response {
    this.#options.observer.refused(rejection.code);
    return rejectionResponse(rejection);
  }

  #failed(where: string, error: unknown): Response {
    const requestId = this.#options.newId();
    this.#options.observer.bug(`${where}, request ${requestId}`, error);
    return this.#refuse(internal(requestId));
  }
}

/** What the operations of both doors work with. */
function servicesOf(
  { commands, queries, marks, presence, settings, observer, newId, clock }: EndpointOptions,
  live: Pick<Services, "texts" | "visibility" | "typing" | "presences">,
): Services {
  return { commands, queries, marks, presence, limits: settings.payloads, observer, newId, clock, ...live };
}

function peerOf(request: Request, server: Server<SocketData<Session>>): string {
  return server.requestIP(request)?.address ?? "";
}

const longestIdleSeconds = 255;
const noHost = reject("invalid_payload", "The Host header must name the host that was asked.");
const notUpgraded = reject("invalid_payload", "The WebSocket handshake is incomplete.");
