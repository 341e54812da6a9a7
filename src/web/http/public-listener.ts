import type { Server, WebSocketHandler } from "bun";
import type { Elysia } from "elysia";
import type { Clock } from "../../core/ports/clock.ts";
import type { NewId } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import type { SocketData } from "../../phoenix/sockets.ts";
import { listenerUrl } from "../../telemetry/listener-url.ts";
import type { ExtraRoutes } from "../endpoint-options.ts";
import type { Session } from "../realtime/session.ts";
import { AcceptOverflow } from "./accept-overflow.ts";
import { announcesTooMuch, bringsUselessBody, tooLarge, uselessBody } from "./body.ts";
import { ClientAddresses } from "./client-address.ts";
import type { ConnectionCap, DescriptorLimits } from "./connection-cap.ts";
import { type AllowedOrigins, Cors } from "./cors.ts";
import { socketPaths } from "./handshake.ts";
import { longPollPaths, noLongPolling } from "./long-poll.ts";
import { type Checks, probe } from "./probes.ts";
import { ProxyWatch } from "./proxy-watch.ts";
import { QuickAnswers } from "./quick-answers.ts";
import { internal, rejectionResponse } from "./rejections.ts";
import { repeatedHeader } from "./repeated-headers.ts";
import { noRoute, RequestMeter } from "./request-meter.ts";
import { type SlowClients, watchSlowClients } from "./slow-clients.ts";
import type { SocketDoor } from "./socket-door.ts";

const longestIdleSeconds = 255;

export interface PublicListenerOptions {
  readonly settings: {
    readonly hostname: string;
    readonly port: number;
    readonly maxBodyBytes: number;
    readonly maxHeldBytes: number;
    readonly answerWithinMs: number;
    readonly corsOrigins: AllowedOrigins;
    readonly trustedProxies: readonly string[];
  };
  readonly cap: ConnectionCap;
  readonly descriptors: DescriptorLimits;
  readonly door: SocketDoor;
  readonly websocket: WebSocketHandler<SocketData<Session>>;
  readonly checks: () => Checks;
  readonly extraRoutes: ExtraRoutes;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly observer: Observer;
}

/** Answers all requests: WebSocket handshakes, probes, REST, pages. */
export class PublicListener {
  readonly meter: RequestMeter;
  readonly slow: SlowClients;
  readonly #options: PublicListenerOptions;
  readonly #addresses: ClientAddresses;
  readonly #cors: Cors;
  readonly #proxies: ProxyWatch;
  readonly #quick = new QuickAnswers();
  #server: Server<SocketData<Session>> | null = null;
  #overflow: AcceptOverflow | null = null;
  #rest: (request: Request) => Response | Promise<Response> = () => this.#refuse(noHost);
  /** Requests that are not answered yet. */
  #unanswered = 0;

  constructor(options: PublicListenerOptions) {
    const { settings, clock, observer } = options;
    const { maxBodyBytes, maxHeldBytes } = settings;
    const [server, unanswered] = [() => this.server, () => this.#unanswered];
    this.#options = options;
    this.meter = new RequestMeter({ observer, clock });
    this.slow = watchSlowClients({ maxBodyBytes, maxHeldBytes, clock, observer, server, unanswered });
    this.#addresses = new ClientAddresses(settings);
    this.#cors = new Cors({ origins: settings.corsOrigins });
    this.#proxies = new ProxyWatch({ addresses: this.#addresses, observer });
  }

  /** Once it listens. */
  get server(): Server<SocketData<Session>> {
    if (!this.#server) throw new Error("it does not listen yet");
    return this.#server;
  }

  /** The port that was taken. */
  get port(): number {
    return this.server.port!;
  }

  /** The address at which it can be opened. */
  get url(): string {
    return listenerUrl(this.#options.settings.hostname, this.port);
  }

  /** Returns the address of a request, as it is counted. */
  readonly addressOf = (request: Request): string => this.#addresses.ofRequest(request, this.server);

  /** Throws as `Bun.serve` does when it cannot (`EADDRINUSE`). `rest` answers what is nothing else's. */
  listen(rest: Elysia): void {
    const { settings, descriptors: limits, clock, observer, websocket } = this.#options;
    this.#rest = rest.compile().fetch;
    this.#server = Bun.serve({
      hostname: settings.hostname,
      port: settings.port,
      // Ours is smaller and answers in our envelope; this one bounds what Bun buffers of a body that nobody reads.
      maxRequestBodySize: 16 * settings.maxBodyBytes,
      // With the default of 10 s a GET that waits for a slow database is cut off without an answer; a request with a body never is.
      idleTimeout: Math.min(longestIdleSeconds, Math.ceil(settings.answerWithinMs / 1000)),
      fetch: (request, server) => this.#fetch(request, server),
      error: (error) => this.#failed("fetch", error),
      websocket,
    });
    rest.server = this.#server;
    this.#overflow = new AcceptOverflow({ port: this.port, limits, clock, observer });
  }

  /** Takes no more connections. Resolves when all requests under way are answered, or when those that are left are cut. */
  close(how: "answer" | "cut"): Promise<void> {
    this.#overflow?.stop();
    return this.server.stop(how === "cut");
  }

  async #fetch(request: Request, server: Server<SocketData<Session>>): Promise<Response | undefined> {
    this.#unanswered++;
    const turn = this.#quick.begin();
    try {
      const response = this.#cors.preflight(request) ?? (await this.#answer(request, server));
      if (response && (this.#quick.closes(turn) || this.#options.cap.isCrowded))
        response.headers.set("connection", "close");
      return response && this.#cors.decorate(request, response);
    } catch (error) {
      return this.#failed("fetch", error);
    } finally {
      this.#unanswered--;
    }
  }

  async #answer(request: Request, server: Server<SocketData<Session>>): Promise<Response | undefined> {
    const repeated = repeatedHeader(request);
    if (repeated) return this.meter.measure(noRoute, request, () => this.#refuse(repeated));
    // Load balancers probe by HTTP/1.0, without a host: the url is a path then.
    const url = URL.parse(request.url, "http://nohost");
    const probed = url && this.#probe(request.method, url);
    if (probed) return this.meter.measure("probe", request, () => probed);
    const refusal = this.#refusal(request, url);
    if (refusal) return this.meter.measure(noRoute, request, () => this.#refuse(refusal));
    this.#proxies.request(request, () => peerOf(request, server));
    return this.#route(request, server, url!.pathname);
  }

  #probe(method: string, url: URL): Response | null {
    const { checks, cap, clock } = this.#options;
    return probe(method, url, {
      checks: () => ({ ...checks(), descriptors: cap.check }),
      nowUs: () => clock.nowUs(),
    });
  }

  /** Returns the refusal that does not depend on the path; null: there is none. */
  #refusal(request: Request, url: URL | null): Rejection | null {
    const { maxBodyBytes } = this.#options.settings;
    if (!url || request.url.startsWith("/")) return noHost;
    if (bringsUselessBody(request)) return uselessBody;
    const full = this.#options.cap.request();
    return full ?? (announcesTooMuch(request, maxBodyBytes) ? tooLarge(maxBodyBytes) : null);
  }

  #route(
    request: Request,
    server: Server<SocketData<Session>>,
    pathname: string,
  ): Response | Promise<Response | undefined> {
    if (socketPaths.has(pathname)) {
      const [template] = socketPaths;
      return this.meter.measure(template!, request, () => this.#open(request, server));
    }
    if (longPollPaths.has(pathname)) return this.meter.measure(pathname, request, noLongPolling);
    const extra = this.#extra(request.method, pathname);
    if (!extra) return this.#rest(request);
    return this.meter.measure(pathname, request, async () => this.#bounded(request, await extra(request)));
  }

  /** HEAD is answered as GET; the runtime leaves out the body (RFC 9110 9.3.2). */
  #extra(method: string, pathname: string) {
    return this.#options.extraRoutes.get(`${method === "HEAD" ? "GET" : method} ${pathname}`);
  }

  /** Pages carry no token: what is unread of them counts for the address. */
  async #bounded(request: Request, answer: Response): Promise<Response> {
    if (request.method === "HEAD") return answer;
    const bounded = await this.slow.answers.bounded(request, this.addressOf(request), answer);
    return bounded instanceof Response ? bounded : this.#refuse(bounded);
  }

  /** Undefined: the connection is a socket now. */
  async #open(request: Request, server: Server<SocketData<Session>>): Promise<Response | undefined> {
    const { door } = this.#options;
    const closed = door.refusal();
    if (closed) return this.#refuse(closed);
    this.#proxies.handshake(request, peerOf(request, server));
    const refusal = await door.open(request, server, this.addressOf(request));
    return refusal && this.#refuse(refusal);
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

function peerOf(request: Request, server: Server<SocketData<Session>>): string {
  return server.requestIP(request)?.address ?? "";
}

const noHost = reject("invalid_payload", "The Host header must name the host that was asked.");
