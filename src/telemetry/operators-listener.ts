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

export interface OperatorsListener {
  readonly url: string;
  stop(): Promise<void>;
}

/** A longer scrape is nobody's: the scraper has given up. */
const idleTimeoutSeconds = 10;

/**
 * `/metrics` for operators, on an address of its own: gateways that strip a prefix would make it public on the other one.
 * @throws PortInUse
 */
export function openOperatorsListener(options: {
  readonly host: string;
  readonly port: number;
  readonly contentType: string;
  readonly scrape: () => Promise<string>;
  readonly onBug: (where: string, error: unknown) => void;
}): OperatorsListener {
  const { host, port, contentType, scrape, onBug } = options;
  const answer = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== "/metrics")
      return new Response("only /metrics is here\n", { status: 404 });
    return new Response(await scrape(), { headers: { "content-type": contentType } });
  };
  const server = listen({
    hostname: host,
    port,
    idleTimeout: idleTimeoutSeconds,
    maxRequestBodySize: 1_024,
    fetch: answer,
    error: (error) => {
      onBug("operators' listener", error);
      return new Response("internal\n", { status: 500 });
    },
  });
  return { url: server.url.origin, stop: () => server.stop(true) };
}

function listen(options: Parameters<typeof Bun.serve>[0] & { hostname: string; port: number }) {
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
