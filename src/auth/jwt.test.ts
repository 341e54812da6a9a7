import { afterEach, describe, expect, test } from "bun:test";
import { SignJWT, UnsecuredJWT } from "jose";
import { tokensContract } from "./contract.ts";
import {
  deviceId,
  eddsa,
  endAll,
  es256,
  given,
  identity,
  minuteMs,
  refusal,
  rs256,
  signer,
  signTexts,
  start,
  userId,
} from "./testing/issuer.ts";

afterEach(endAll);

describe("JWTs", () =>
  tokensContract(() => {
    const { tokens, sign } = start(given());
    return {
      tokens,
      issue: (claims) => sign({ sub: claims.userId, deviceId: claims.deviceId ?? undefined }),
    };
  }));

describe("a good token", () => {
  test("names its user, device, id and end", async () => {
    const { tokens, sign, clock } = start(given());
    const verified = await tokens.verify(await sign({ deviceId, jti: "t-1" }), "rest");
    const expiresAtMs = clock.nowUs() / 1_000 + 60 * minuteMs;
    expect(identity(verified)).toEqual({ userId, deviceId, tokenId: "t-1", expiresAtMs });
  });

  test.each([es256, eddsa, rs256])("signed with $alg is accepted", async (by) => {
    const { tokens, sign } = start(given(es256, eddsa, rs256));
    expect(identity(await tokens.verify(await sign({}, by), "rest")).userId).toBe(userId);
  });

  test("may write its ids in capitals and its device as device_id; without one it has no device", async () => {
    const { tokens, sign } = start(given());
    const capitals = await sign({ sub: userId.toUpperCase(), device_id: deviceId.toUpperCase() });
    expect(identity(await tokens.verify(capitals, "rest"))).toMatchObject({ userId, deviceId });
    expect(identity(await tokens.verify(await sign(), "rest")).deviceId).toBeNull();
  });

  test("may name any of the configured audiences, also in a list", async () => {
    const { tokens, sign } = start(given());
    expect((await tokens.verify(await sign({ aud: ["else", "whispr-api"] }), "rest")).ok).toBe(true);
  });

  test("without a key id is tried with every key of its algorithm", async () => {
    const { tokens, sign } = start(given(signer("ES256", "other"), es256));
    expect((await tokens.verify(await sign({}, es256, { kid: undefined }), "rest")).ok).toBe(true);
  });
});

test("a refused token that a key of ours signed is told from a forged one", async () => {
  const { tokens, sign } = start(given());
  const isSigned = async (token: string) => {
    const verified = await tokens.verify(token, "rest");
    return verified.ok ? "accepted" : (verified.isSigned ?? false);
  };
  for (const claims of [{ exp: 1_700_000_000 }, { aud: "other" }, { aud: "ws" }, { type: "refresh" }])
    expect([claims, await isSigned(await sign(claims))]).toEqual([claims, true]);
  const token = await sign();
  const [head, body, signature] = token.split(".");
  const forged = [
    `${token}x`,
    "x",
    `${head}.${body}.`,
    `${head}.${body}x.${signature}`,
    await sign({}, signer("ES256", "es256")),
  ];
  for (const each of forged) expect([each, await isSigned(each)]).toEqual([each, false]);
});

describe("a token for sockets (aud ws)", () => {
  test("opens a socket whose life its expiry does not limit", async () => {
    const { tokens, sign } = start(given());
    expect(identity(await tokens.verify(await sign({ aud: "ws" }), "socket")).expiresAtMs).toBeNull();
  });

  test("is refused by REST, even when it names our audience too", async () => {
    const { tokens, sign } = start(given());
    expect(refusal(await tokens.verify(await sign({ aud: "ws" }), "rest"))).toContain("for sockets");
    expect(refusal(await tokens.verify(await sign({ aud: ["ws", "whispr"] }), "rest"))).toContain(
      "for sockets",
    );
  });

  test("an access token opens a socket too, and ends it", async () => {
    const { tokens, sign } = start(given());
    expect(identity(await tokens.verify(await sign(), "socket")).expiresAtMs).toBeNumber();
  });
});

describe("refused as unauthorized", () => {
  const bad: [string, Record<string, unknown>, string][] = [
    ["a refresh token", { type: "refresh" }, "refresh token"],
    ["another issuer", { iss: "someone" }, "iss"],
    ["another audience", { aud: "other" }, "another audience"],
    ["no audience", { aud: undefined }, "another audience"],
    ["no expiry", { exp: undefined }, "exp"],
    ["an expiry in the past", { exp: 1_700_000_000 }, "has expired"],
    ["an expiry that is no number", { exp: "tomorrow" }, "exp"],
    ["a subject that is no uuid", { sub: "ada" }, "uuid"],
    ["a subject that is no text", { sub: 7 }, "uuid"],
    ["no subject", { sub: undefined }, "sub"],
    ["a device that is no text", { deviceId: { a: 1 } }, "device id"],
  ];
  test.each(bad)("%s", async (_, claims, reason) => {
    const { tokens, sign } = start(given());
    const told = refusal(await tokens.verify(await sign(claims), "socket"));
    expect(told).toStartWith("unauthorized: ");
    expect(told).toContain(reason);
  });

  test("an unsigned token (alg none)", async () => {
    const { tokens, claims } = start(given());
    const unsigned = new UnsecuredJWT(claims()).encode();
    expect(refusal(await tokens.verify(unsigned, "rest"))).toContain("algorithm must be one of");
  });

  test("a token signed with the public key as a shared secret (HS256)", async () => {
    const { tokens, claims } = start(given());
    const secret = es256.publicKey.export({ format: "der", type: "spki" });
    const forged = await new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256", kid: "key-1" })
      .sign(secret);
    expect(refusal(await tokens.verify(forged, "rest"))).toContain("algorithm must be one of");
  });

  test("another key under a known key id", async () => {
    const { tokens, sign } = start(given());
    const forged = await sign({}, signer("ES256", "key-1"));
    expect(refusal(await tokens.verify(forged, "rest"))).toContain("does not verify");
  });

  test("an expiry beyond all numbers", async () => {
    const { tokens } = start(given());
    const claims = `{"sub":"${userId}","iss":"whispr-auth","aud":"whispr","exp":1e999}`;
    const token = signTexts(`{"alg":"ES256","kid":"key-1"}`, claims);
    expect(refusal(await tokens.verify(token, "rest"))).toBe(
      "unauthorized: the token's exp is missing or not accepted",
    );
  });

  test("a key id that is not a string", async () => {
    const { tokens, sign } = start(given());
    const token = await sign({}, es256, { kid: 7 });
    expect(refusal(await tokens.verify(token, "rest"))).toBe(
      "unauthorized: the token's kid must be a string",
    );
  });

  test("texts that are no token at all, of any length", async () => {
    const { tokens, sign } = start(given());
    const good = await sign();
    const texts = [
      "",
      ".",
      "..",
      "a.b.c",
      "\u0000",
      "💥",
      good.slice(0, -2),
      `${good}.x`,
      "x".repeat(100_000),
    ];
    for (const text of texts) {
      expect(refusal(await tokens.verify(text, "socket"))).toStartWith("unauthorized: ");
    }
  });

  test("no refusal repeats a part of the token", async () => {
    const { tokens, sign } = start(given());
    const token = await sign({ iss: "someone" });
    const told = refusal(await tokens.verify(token, "rest"));
    for (const part of token.split(".")) expect(told).not.toContain(part);
  });
});

describe("clocks that differ", () => {
  const seconds = ({ clock }: ReturnType<typeof start>) => clock.nowUs() / 1e6;

  test.each(["nbf", "iat"])("%s may be up to 5 s ahead, and not more", async (claim) => {
    const started = start(given());
    for (const aheadS of [-3_600, 0, 0.4, 4.9, 5]) {
      const token = await started.sign({ [claim]: seconds(started) + aheadS });
      expect([aheadS, (await started.tokens.verify(token, "rest")).ok]).toEqual([aheadS, true]);
    }
    for (const aheadS of [5.1, 60, 3_600]) {
      const token = await started.sign({ [claim]: seconds(started) + aheadS });
      expect(refusal(await started.tokens.verify(token, "rest"))).toBe(
        `unauthorized: the token's ${claim} is in the future`,
      );
    }
  });

  test("exp has no leeway: at its instant a token is refused, as an open socket is closed then", async () => {
    const started = start(given());
    const token = await started.sign({ exp: seconds(started) + 1 });
    started.clock.advance(999);
    expect((await started.tokens.verify(token, "socket")).ok).toBe(true);
    started.clock.advance(1);
    expect(refusal(await started.tokens.verify(token, "socket"))).toBe("unauthorized: the token has expired");
  });

  test("a time that is not a number, or no time at all, is refused by its name", async () => {
    const { tokens, sign } = start(given());
    for (const claim of ["exp", "nbf", "iat"])
      expect(refusal(await tokens.verify(await sign({ [claim]: "now" }), "rest"))).toContain(
        `the token's ${claim} `,
      );
  });
});
