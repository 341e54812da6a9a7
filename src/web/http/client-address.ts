import { BlockList, isIP } from "node:net";
import type { Server } from "bun";

/**
 * Finds the address of a client behind proxies. Anyone can write an `x-forwarded-for`, so it is believed only as far as
 * trusted proxies have written it: from the right, up to the first address that is not a trusted proxy.
 */
export class ClientAddresses {
  readonly #trusted = new BlockList();

  constructor(options: { readonly trustedProxies: readonly string[] }) {
    for (const network of options.trustedProxies) this.#trust(network);
  }

  of(peer: string, forwardedFor: string | null): string {
    const hops = forwardedFor?.split(",") ?? [];
    let address = canonical(peer) ?? peer;
    while (this.#isTrusted(address)) {
      const before = canonical(hops.pop() ?? "");
      if (before === null) return address;
      address = before;
    }
    return address;
  }

  /** Returns the address that a request counts for. */
  ofRequest(request: Request, server: Pick<Server<unknown>, "requestIP">): string {
    const peer = server.requestIP(request)?.address ?? "";
    return counted(this.of(peer, request.headers.get("x-forwarded-for")));
  }

  isProxy(peer: string): boolean {
    return this.#isTrusted(canonical(peer) ?? peer);
  }

  #trust(network: string): void {
    const [text, bits] = network.split("/");
    const address = bits === undefined ? canonical(text!)! : text!;
    const family = familyOf(address);
    this.#trusted.addSubnet(address, Number(bits ?? (family === "ipv4" ? 32 : 128)), family);
  }

  #isTrusted(address: string): boolean {
    return isIP(address) !== 0 && this.#trusted.check(address, familyOf(address));
  }
}

/** Returns the key under which an address is counted. A client with one IPv6 address has the 2^64 of its network, so they count as one. */
export function counted(address: string): string {
  return isIP(address) === 6 ? groupsOf(address).slice(0, 4).join(":") : address;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

/** Whether the last hop of an `x-forwarded-for` is an address. */
export function namesClient(forwardedFor: string): boolean {
  return canonical(forwardedFor.split(",").at(-1)!) !== null;
}

/** In one form; null: no address. Some proxies add a port, and a listener for both families sees IPv4 as IPv6. */
function canonical(written: string): string | null {
  const text = withoutPort(written.trim());
  switch (isIP(text)) {
    case 4:
      return text;
    case 6:
      return mappedIpv4(text) ?? groupsOf(text).join(":");
    default:
      return null;
  }
}

function withoutPort(text: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}

function mappedIpv4(address: string): string | null {
  const groups = groupsOf(address);
  if (groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return null;
  const [high, low] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return [high! >> 8, high! & 255, low! >> 8, low! & 255].join(".");
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): readonly string[] {
  const [withoutZone] = address.split("%");
  const [head, tail] = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1).split("::");
  const first = head ? head.split(":") : [];
  const last = tail ? tail.split(":") : [];
  return [...first, ...Array<string>(8 - first.length - last.length).fill("0"), ...last];
}
