import type { Observer } from "../../core/ports/observer.ts";
import { type ClientAddresses, namesClient } from "./client-address.ts";

/** The headers in which proxies name the client. Only the first is believed, and only from trusted proxies. */
const headers = ["x-forwarded-for", "forwarded", "x-real-ip"] as const;

/**
 * Reports proxies that hide their clients, which then share the limits of one address: ours that is not trusted, or a trusted
 * one that names nobody.
 */
export class ProxyWatch {
  readonly #addresses: ClientAddresses;
  readonly #observer: Pick<Observer, "warn">;

  constructor(options: { readonly addresses: ClientAddresses; readonly observer: Pick<Observer, "warn"> }) {
    this.#addresses = options.addresses;
    this.#observer = options.observer;
  }

  /** A request that may have come through a proxy. `peer` is asked only where it matters. */
  request(request: Request, peer: () => string): void {
    const header = headers.find((name) => request.headers.has(name));
    if (header === undefined) return;
    const address = peer();
    if (!this.#addresses.isProxy(address))
      this.#observer.warn("proxy_not_trusted", { peer: address, header });
  }

  /** A handshake: these are counted by address. */
  handshake(request: Request, peer: string): void {
    if (!this.#addresses.isProxy(peer)) return;
    const forwardedFor = request.headers.get("x-forwarded-for");
    if (forwardedFor !== null && namesClient(forwardedFor)) return;
    const header = forwardedFor === null ? "missing" : "unreadable";
    this.#observer.warn("client_address_unknown", { peer, "x-forwarded-for": header });
  }
}
