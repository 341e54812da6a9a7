import { listenerUrl } from "./listener-url.ts";

/** The address that was asked for belongs to another process. */
export class PortInUse extends Error {
  readonly host: string;
  readonly port: number;

  constructor(options: {
    readonly variable: string;
    readonly host: string;
    readonly port: number;
    readonly wayOut: string;
  }) {
    const { variable, host, port, wayOut } = options;
    super(`${variable} ${port} on ${host} is in use by another process: ${wayOut}`);
    this.host = host;
    this.port = port;
  }
}

/** A longer scrape is nobody's: the scraper has given up. */
const idleTimeoutSeconds = 10;

/** What is shown: the figures of this process, in a text format. */
export interface Scraped {
  readonly contentType: string;
  scrape(): Promise<string>;
  bug(where: string, error: unknown): void;
}

/**
 * `/metrics` for operators, on an address of its own: gateways that strip a prefix would make it public on the other one.
 * Listens from construction on; throws `PortInUse`.
 */
export class AdminListener {
  readonly #server: Bun.Server<undefined>;
  readonly #host: string;
  readonly #metrics: Scraped;

  constructor(options: { readonly host: string; readonly port: number; readonly metrics: Scraped }) {
    this.#metrics = options.metrics;
    this.#host = options.host;
    this.#server = listen({
      hostname: options.host,
      port: options.port,
      idleTimeout: idleTimeoutSeconds,
      maxRequestBodySize: 1_024,
      fetch: (request) => this.#answer(request),
      error: (error) => this.#failed(error),
    });
  }

  get url(): string {
    return listenerUrl(this.#host, this.#server.port!);
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/metrics") {
      return new Response("only /metrics is here\n", { status: 404 });
    }
    const text = await this.#metrics.scrape();
    return new Response(text, { headers: { "content-type": this.#metrics.contentType } });
  }

  #failed(error: unknown): Response {
    this.#metrics.bug("admin listener", error);
    return new Response("internal\n", { status: 500 });
  }
}

type Listening = Bun.Serve.Options<undefined> & { readonly hostname: string; readonly port: number };

function listen(options: Listening): Bun.Server<undefined> {
  try {
    return Bun.serve(options);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    const { hostname: host, port } = options;
    throw new PortInUse({
      variable: "ADMIN_PORT",
      host,
      port,
      wayOut: "choose another, or ADMIN_PORT=0 for none",
    });
  }
}
