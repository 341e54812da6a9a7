import { isIPv6 } from "node:net";

/** The addresses that mean "all of this machine's", as URLs write them, each with one that can be opened. */
const openable: Readonly<Record<string, string>> = {
  "0.0.0.0": "127.0.0.1",
  "[::]": "[::1]",
  "[::ffff:0:0]": "127.0.0.1",
};

/**
 * Returns the `http://host:port` under which a listener of this machine can be opened: IPv6 in brackets (RFC 3986), its zone
 * percent-encoded (RFC 6874), loopback for a host that means all addresses.
 */
export function listenerUrl(host: string, port: number): string {
  const written = isIPv6(host) ? `[${host.replace("%", "%25")}]` : host;
  // URL has one way to write each address, and refuses zones.
  const canonical = URL.parse(`http://${written}`)?.hostname ?? written;
  return `http://${openable[canonical] ?? written}:${port}`;
}
