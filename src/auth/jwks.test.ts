import { afterEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { eventually } from "../testing/eventually.ts";
import { isReadInPlaintext } from "./download.ts";
import { type KeySource, Keys } from "./jwks.ts";
import {
  answerWith,
  atEnd,
  eddsa,
  endAll,
  es256,
  jwksServer,
  ManualClock,
  minuteMs,
  published,
  refusal,
  rs256,
  type Signer,
  signer,
  start,
} from "./testing/issuer.ts";

afterEach(endAll);

describe("keys from JWT_JWKS_URL", () => {
  test("are read once for many tokens", async () => {
    const { url, seen } = jwksServer(answerWith(es256));
    const { tokens, sign } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    const token = await sign();
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens.verify(token, "rest")));
    expect(all.every(({ ok }) => ok)).toBe(true);
    expect(seen.requests).toBe(1);
  });

  test("an unknown key id reads them again, at most every 5 s", async () => {
    const rotated = signer("ES256", "key-9");
    let current = [es256];
    const { url, seen } = jwksServer(() => answerWith(...current)());
    const { tokens, sign, clock } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    await tokens.verify(await sign(), "rest");
    current = [es256, rotated];
    const token = await sign({}, rotated);
    expect(refusal(await tokens.verify(token, "rest"))).toBe("unauthorized: the token's key is unknown");
    clock.advance(5_000);
    expect((await tokens.verify(token, "rest")).ok).toBe(true);
    const strange = await sign({}, signer("ES256", "nobody"));
    await Promise.all(Array.from({ length: 20 }, () => tokens.verify(strange, "rest")));
    expect(seen.requests).toBe(2);
  });

  test("are read again each period, and a key that is gone is no longer accepted", async () => {
    let current = [es256, eddsa];
    const { url, seen } = jwksServer(() => answerWith(...current)());
    const { tokens, sign, clock } = start({ type: "url", url, refreshMs: minuteMs });
    await tokens.verify(await sign(), "rest");
    current = [eddsa];
    clock.advance(minuteMs);
    await tokens.verify(await sign({}, signer("ES256", "waits-for-the-read")), "rest");
    expect(seen.requests).toBe(2);
    expect(refusal(await tokens.verify(await sign(), "rest"))).toContain("key is unknown");
  });

  test("a first read that fails is unavailable at once, and is made good 5 s later", async () => {
    let isUp = false;
    const { url } = jwksServer(() => (isUp ? answerWith(es256)() : new Response("no", { status: 502 })));
    const { tokens, sign, clock, failures } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    const token = await sign();
    expect(refusal(await tokens.verify(token, "rest"))).toStartWith("unavailable: the keys");
    expect(failures[0]).toBe("JWT_JWKS_URL: answered with status 502");
    isUp = true;
    clock.advance(5_000);
    expect((await tokens.verify(token, "rest")).ok).toBe(true);
  });

  test("known keys go on being used while the address is down", async () => {
    let isUp = true;
    const { url } = jwksServer(() => (isUp ? answerWith(es256)() : new Response("no", { status: 500 })));
    const { tokens, sign, clock, failures } = start({ type: "url", url, refreshMs: minuteMs });
    await tokens.verify(await sign(), "rest");
    isUp = false;
    clock.advance(minuteMs);
    expect(refusal(await tokens.verify(await sign({}, signer("ES256", "new")), "rest"))).toStartWith(
      "unavailable: ",
    );
    expect(failures).toHaveLength(1);
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
  });

  test("an address that hangs is unavailable after 3 s, not a hang", async () => {
    const { url, seen } = jwksServer(() => new Promise<Response>(() => {}));
    const { tokens, sign, clock, failures } = start({ type: "url", url, refreshMs: minuteMs });
    const verified = tokens.verify(await sign(), "rest");
    while (seen.requests === 0) await Bun.sleep(1);
    clock.advance(3_000);
    expect(refusal(await verified)).toStartWith("unavailable: ");
    expect(failures[0]).toContain("did not answer within 3000 ms");
  });

  const wrong: [string, () => Response, string][] = [
    ["is no JSON", () => new Response("<html>"), "is not JSON"],
    ["is no JWKS", () => Response.json([]), "is not a JWKS"],
    ["has no key for us", () => Response.json({ keys: [null, 7, { kty: "oct", k: "AA" }] }), "no ES256"],
    ["is far too large", () => new Response("x".repeat((1 << 20) + 1)), "more than"],
  ];
  test.each(wrong)("an answer that %s is unavailable and named", async (_, answer, reason) => {
    const { url } = jwksServer(answer);
    const { tokens, sign, failures } = start({ type: "url", url, refreshMs: minuteMs });
    expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
    expect(failures[0]).toContain(reason);
  });

  test.each([301, 302, 303, 307, 308])(
    "S9: a redirect (%d) is refused wherever it leads, and its target is not asked",
    async (status) => {
      const target = jwksServer(answerWith(es256));
      const places = [
        target.url,
        target.url.replace("127.0.0.1", "localhost"),
        "https://127.0.0.1:1/",
        "/jwks",
        "",
      ];
      for (const location of places) {
        const { url, seen } = jwksServer(() => new Response(null, { status, headers: { location } }));
        const { tokens, sign, failures } = start({ type: "url", url, refreshMs: minuteMs });
        expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
        expect(failures[0]).toStartWith(`JWT_JWKS_URL: answered with a redirect (${status}`);
        expect(failures[0]).toContain("not followed");
        expect(seen.requests).toBe(1);
      }
      expect(target.seen.requests).toBe(0);
    },
  );

  test("S9: keys that were read stay in use when their address begins to redirect", async () => {
    let isMoved = false;
    const elsewhere = jwksServer(answerWith(eddsa));
    const moved = () => Response.redirect(elsewhere.url, 302);
    const { url, seen } = jwksServer(() => (isMoved ? moved() : answerWith(es256)()));
    const { tokens, sign, clock } = start({ type: "url", url, refreshMs: minuteMs });
    await tokens.verify(await sign(), "rest");
    isMoved = true;
    clock.advance(minuteMs);
    await eventually("the next read", () => seen.requests === 2);
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
    expect((await tokens.verify(await sign({}, eddsa), "rest")).ok).toBe(false);
    expect(elsewhere.seen.requests).toBe(0);
  });

  test("a body that is small only while it is compressed is bounded as it is read", async () => {
    const bomb = Bun.gzipSync(new Uint8Array(64 << 20));
    const { url } = jwksServer(() => new Response(bomb, { headers: { "content-encoding": "gzip" } }));
    const { tokens, sign, failures } = start({ type: "url", url, refreshMs: minuteMs });
    expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
    expect(failures[0]).toContain("more than 1048576 bytes");
  });

  test("after stop nothing is left to fire", async () => {
    const { url } = jwksServer(answerWith(es256));
    const clock = new ManualClock();
    const keys = new Keys({ source: { type: "url", url, refreshMs: minuteMs }, clock, onFailure: () => {} });
    await keys.find({ alg: "ES256", kid: "key-1" });
    keys.stop();
    expect(clock.timers).toBe(0);
  });
});

describe("another key under the same key id", () => {
  const before = signer("ES256", "key-1");
  const after = signer("ES256", "key-1");

  function rotating() {
    let current = [before];
    const source = jwksServer(() => answerWith(...current)());
    const started = start({ type: "url", url: source.url, refreshMs: 60 * minuteMs });
    const rotate = () => {
      current = [after];
      started.clock.advance(5_000);
    };
    return { ...started, seen: source.seen, rotate };
  }

  test("is accepted at its first token, and the key that is gone is refused from then on", async () => {
    const { tokens, sign, rotate } = rotating();
    const old = await sign({}, before);
    expect((await tokens.verify(old, "rest")).ok).toBe(true);
    rotate();
    expect((await tokens.verify(await sign({}, after), "rest")).ok).toBe(true);
    expect(refusal(await tokens.verify(old, "rest"))).toBe(
      "unauthorized: the token's signature does not verify",
    );
  });

  test("is found by tokens without a key id too", async () => {
    const { tokens, sign, rotate } = rotating();
    await tokens.verify(await sign({}, before), "rest");
    rotate();
    const token = await sign({}, after, { kid: undefined });
    expect((await tokens.verify(token, "rest")).ok).toBe(true);
  });

  test("stays accepted beside the former one while both are published", async () => {
    const { url } = jwksServer(answerWith(before, after));
    const { tokens, sign } = start({ type: "url", url, refreshMs: minuteMs });
    for (const by of [before, after]) expect((await tokens.verify(await sign({}, by), "rest")).ok).toBe(true);
  });

  test("a flood of signatures that do not verify causes one read per 5 s", async () => {
    const { tokens, sign, clock, seen } = rotating();
    await tokens.verify(await sign({}, before), "rest");
    const forged = await sign({}, signer("ES256", "key-1"));
    const flood = () => Promise.all(Array.from({ length: 200 }, () => tokens.verify(forged, "rest")));
    for (let reads = 2; reads < 5; reads++) {
      clock.advance(5_000);
      await flood();
      clock.advance(4_900);
      await flood();
      expect(seen.requests).toBe(reads);
      clock.advance(100);
    }
  });

  test("a verified token does not wait for the read that forged ones cause", async () => {
    let isHanging = false;
    const answer = answerWith(before);
    const { url, seen } = jwksServer(() => (isHanging ? new Promise<Response>(() => {}) : answer()));
    const { tokens, sign, clock } = start({ type: "url", url, refreshMs: 60 * minuteMs });
    const good = await sign({}, before);
    await tokens.verify(good, "rest");
    isHanging = true;
    clock.advance(5_000);
    const forged = tokens.verify(await sign({}, after), "rest");
    await eventually("the read to be under way", () => seen.requests === 2);
    expect((await tokens.verify(good, "rest")).ok).toBe(true);
    clock.advance(3_000);
    expect(refusal(await forged)).toContain("does not verify");
    expect((await tokens.verify(good, "rest")).ok).toBe(true);
  });

  test("claims that are refused do not cause a read", async () => {
    const { tokens, sign, clock, seen } = rotating();
    const token = await sign({ iss: "someone" }, before);
    await tokens.verify(token, "rest");
    clock.advance(5_000);
    await tokens.verify(token, "rest");
    expect(seen.requests).toBe(1);
  });
});

describe("what a process without keys says", () => {
  test("waits for the keys until they were read once, and names the reason", async () => {
    let isUp = false;
    const { url } = jwksServer(() => (isUp ? answerWith(es256)() : new Response("no", { status: 404 })));
    const { keys, clock, failures } = start({ type: "url", url, refreshMs: minuteMs });
    expect(keys.waitsFor).toBe("the keys that verify tokens");
    await eventually("the first read to fail", () => failures.length === 1);
    expect(keys.waitsFor).toBe("the keys: JWT_JWKS_URL: answered with status 404");
    isUp = true;
    clock.advance(5_000);
    await keys.firstRead;
    expect(keys.waitsFor).toBeNull();
    isUp = false;
    clock.advance(minuteMs);
    await eventually("the next read to fail", () => failures.length === 2);
    expect(keys.waitsFor).toBeNull();
  });

  test("its keys are as old as the last good read, or as the process while there was none", async () => {
    let isUp = false;
    const { url } = jwksServer(() => (isUp ? answerWith(es256)() : new Response("no", { status: 404 })));
    const { keys, clock, failures } = start({ type: "url", url, refreshMs: minuteMs });
    await eventually("the first read to fail", () => failures.length === 1);
    clock.advance(4_000);
    expect(keys.ageMs).toBe(4_000);
    isUp = true;
    clock.advance(1_000);
    await keys.firstRead;
    clock.advance(30_000);
    expect(keys.ageMs).toBe(30_000);
  });
});

describe("keys from JWT_PUBLIC_KEYS_FILE", () => {
  async function fileWith(text: string): Promise<KeySource> {
    const dir = await mkdtemp(join(tmpdir(), "keys-"));
    atEnd(() => rm(dir, { recursive: true }));
    const path = join(dir, "keys");
    await writeFile(path, text);
    return { type: "file", path, refreshMs: minuteMs };
  }

  const pem = ({ publicKey }: Signer) => publicKey.export({ format: "pem", type: "spki" }).toString();

  test("may be a JWKS", async () => {
    const { tokens, sign } = start(await fileWith(JSON.stringify({ keys: [published(es256)] })));
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
  });

  test("may be PEM blocks, which fit any key id", async () => {
    const { tokens, sign } = start(await fileWith(pem(rs256) + pem(signer("ES256", "x")) + pem(es256)));
    expect((await tokens.verify(await sign({}, es256), "rest")).ok).toBe(true);
    expect((await tokens.verify(await sign({}, rs256), "rest")).ok).toBe(true);
  });

  test("a private key there is refused by name", async () => {
    const secret = es256.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    const { tokens, sign, failures } = start(await fileWith(secret));
    expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
    expect(failures[0]).toBe(
      "JWT_PUBLIC_KEYS_FILE: holds no ES256, EdDSA or RS256 signature key (entry 1: holds a private key; only public keys belong here)",
    );
  });

  test("a file that was replaced is read again for an unknown key", async () => {
    const source = await fileWith(JSON.stringify({ keys: [published(eddsa)] }));
    const { tokens, sign, clock } = start(source);
    await tokens.verify(await sign({}, eddsa), "rest");
    if (source.type === "file") await writeFile(source.path, JSON.stringify({ keys: [published(es256)] }));
    clock.advance(5_000);
    expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
  });

  const wrong: [string, (path: string) => unknown, string][] = [
    ["is missing", (path) => rm(path), "ENOENT"],
    ["is empty", (path) => writeFile(path, "\n"), "is empty"],
    ["is a directory", (path) => rm(path).then(() => mkdir(path)), "is not a file"],
    ["is far too large", (path) => writeFile(path, "x".repeat((1 << 20) + 1)), "more than"],
    ["is a pipe nobody writes to", (path) => rm(path).then(() => $`mkfifo ${path}`), "is not a file"],
    ["holds neither a JWKS nor PEM", (path) => writeFile(path, "hello"), "neither a JWKS nor PEM"],
  ];
  test.each(wrong)(
    "a file that %s is unavailable, named, and read again 5 s later",
    async (_, spoil, reason) => {
      const source = await fileWith("");
      if (source.type !== "file") throw new Error("not a file");
      await spoil(source.path);
      const { keys, tokens, sign, clock, failures } = start(source);
      expect(refusal(await tokens.verify(await sign(), "rest"))).toStartWith("unavailable: ");
      expect(failures[0]).toStartWith("JWT_PUBLIC_KEYS_FILE: ");
      expect(failures[0]).toContain(reason);
      await rm(source.path, { recursive: true, force: true });
      await writeFile(source.path, JSON.stringify({ keys: [published(es256)] }));
      clock.advance(5_000);
      await keys.firstRead;
      expect((await tokens.verify(await sign(), "rest")).ok).toBe(true);
    },
  );

  test("a key that was removed from the file is refused within 30 s, whatever the period is", async () => {
    const source = await fileWith(JSON.stringify({ keys: [published(es256), published(eddsa)] }));
    if (source.type !== "file") throw new Error("not a file");
    const { keys, tokens, sign, clock } = start({ ...source, refreshMs: 60 * minuteMs });
    await keys.firstRead;
    await writeFile(source.path, JSON.stringify({ keys: [published(eddsa)] }));
    clock.advance(30_000);
    await tokens.verify(await sign({}, signer("ES256", "waits-for-the-read")), "rest");
    expect(refusal(await tokens.verify(await sign(), "rest"))).toContain("key is unknown");
  });
});

describe("an address of keys in plaintext", () => {
  test.each([
    ["http://auth.example/jwks", true],
    ["http://10.0.0.1/jwks", true],
    ["http://[fd00::1]/jwks", true],
    ["http://localhost.example/jwks", true],
    ["http://128.0.0.1/jwks", true],
    ["http://127.0.0.1.example/jwks", true],
    ["http://localhost:3001/jwks", false],
    ["http://LOCALHOST./jwks", true],
    ["http://auth.localhost/jwks", false],
    ["http://127.0.0.1/jwks", false],
    ["http://127.1/jwks", false],
    ["http://[::1]:3001/jwks", false],
    ["http://[::ffff:127.0.0.1]/jwks", false],
    ["https://auth.example/jwks", false],
  ])("S9: %s can be changed on its way: %p", (url, expected) => {
    expect(isReadInPlaintext(url)).toBe(expected);
  });

  test("a certificate is checked, whatever NODE_TLS_REJECT_UNAUTHORIZED says", async () => {
    const script = `
      const { readKeys } = await import(${JSON.stringify(join(import.meta.dir, "jwks.ts"))});
      const { systemClock } = await import(${JSON.stringify(join(import.meta.dir, "../system.ts"))});
      const server = Bun.serve({ port: 0, hostname: "127.0.0.1",
        tls: { key: Bun.file("key.pem"), cert: Bun.file("cert.pem") }, fetch: () => new Response("{}") });
      const url = "https://127.0.0.1:" + server.port;
      console.log(await fetch(url).then(({ status }) => status, String));
      console.log(await readKeys({ type: "url", url, refreshMs: 1000 }, systemClock).catch(String));
      process.exit(0);`;
    const dir = await mkdtemp(join(tmpdir(), "keys-"));
    atEnd(() => rm(dir, { recursive: true }));
    await $`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=x -days 2`
      .cwd(dir)
      .quiet();
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    const told = await $`${process.execPath} -e ${script}`.cwd(dir).env(env).text();
    expect(told.trim().split("\n")[0]).toBe("200");
    expect(told).toMatch(/JWT_JWKS_URL: .*self.signed certificate/i);
  });
});
