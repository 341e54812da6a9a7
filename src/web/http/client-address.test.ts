import { expect, test } from "bun:test";
import { ClientAddresses, counted } from "./client-address.ts";

const addresses = new ClientAddresses({ trustedProxies: ["10.0.0.0/8", "fd00::/8", "192.0.2.7"] });

test.each([
  ["nobody forwards", "203.0.113.5", null, "203.0.113.5"],
  ["a stranger forwards, and is not believed", "203.0.113.5", "198.51.100.1", "203.0.113.5"],
  ["a trusted proxy forwards", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
  ["its client invented the left part", "10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
  ["two trusted proxies forward", "10.1.2.3", "198.51.100.1, 192.0.2.7", "198.51.100.1"],
  ["a proxy that is not trusted stands between", "10.1.2.3", "198.51.100.1, 192.0.2.8", "192.0.2.8"],
  ["there are only trusted ones", "10.1.2.3", "10.9.9.9, 192.0.2.7", "10.9.9.9"],
  ["the header is no list of addresses", "10.1.2.3", "unknown", "10.1.2.3"],
  ["the header is empty", "10.1.2.3", "", "10.1.2.3"],
  ["what the second proxy was sent is no address", "10.1.2.3", "drop table, 192.0.2.7", "192.0.2.7"],
  ["a proxy adds the port", "10.1.2.3", "198.51.100.1:4711", "198.51.100.1"],
  ["a proxy adds the port to IPv6", "fd00::1", "[2001:db8::1]:4711", "2001:db8:0:0:0:0:0:1"],
  ["the listener sees IPv4 as IPv6", "::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"],
  ["an address has a zone", "fd00::1%eth0", "fe80::1%eth1", "fe80:0:0:0:0:0:0:1"],
  ["the peer is a Unix socket", "", "198.51.100.1", ""],
])("when %s, %s with %p is %s", (_, peer, forwardedFor, client) => {
  expect(addresses.of(peer, forwardedFor)).toBe(client);
});

test("with nobody trusted the peer is the client", () => {
  const nobody = new ClientAddresses({ trustedProxies: [] });
  expect(nobody.of("10.1.2.3", "198.51.100.1")).toBe("10.1.2.3");
});

test("addresses of one IPv6 network count as one", () => {
  expect(counted("2001:db8:1:2:aaaa::1")).toBe(counted("2001:db8:1:2:bbbb::2"));
  expect(counted("2001:db8:1:2::1")).not.toBe(counted("2001:db8:1:3::1"));
  expect(counted("198.51.100.1")).toBe("198.51.100.1");
});
