import { afterEach, describe, expect, test } from "bun:test";
import {
  deviceId,
  endAll,
  es256,
  given,
  identity,
  refusal,
  signTexts,
  start,
  userId,
} from "./testing/issuer.ts";

afterEach(endAll);

const usual = { sub: userId, iss: "whispr-auth", aud: "whispr", exp: 1_760_003_600 };
const header = '{"alg":"ES256","kid":"key-1"}';

/** What becomes of a token of these texts. */
async function told(payload: string, head = header, use: "rest" | "socket" = "rest"): Promise<string> {
  const { tokens } = start(given());
  return refusal(await tokens.verify(signTexts(head, payload), use));
}

/** The claims of a good token, with one of them written exactly so. */
function withClaim(name: string, json: string): string {
  const { [name as "sub"]: _, ...others } = usual;
  return `${JSON.stringify(others).slice(0, -1)},${JSON.stringify(name)}:${json}}`;
}

describe("texts in claims", () => {
  test("a good token is good, so that what follows shows something", async () => {
    expect(await told(JSON.stringify(usual))).toBe("accepted");
  });

  const unfit: [string, string][] = [
    ["U+0000", String.raw`"a\u0000b"`],
    ["a line break", String.raw`"a\nb"`],
    ["an escape", String.raw`"\u001b[2J"`],
    ["DEL", String.raw`"a\u007f"`],
    ["a control of C1", String.raw`"a\u0085b"`],
    ["the first half of a pair", String.raw`"a\ud800"`],
    ["the second half of a pair", String.raw`"\udc00b"`],
    ["two halves in the wrong order", String.raw`"\udc00\ud800"`],
    ["no character", `""`],
    ["300 characters", JSON.stringify("x".repeat(300))],
  ];
  const claims = ["deviceId", "device_id", "jti"];
  const each = claims.flatMap((claim) => unfit.map(([what, json]) => [claim, what, json] as const));
  test.each(each)("S2: a %s with %s is refused by its name", async (claim, _, json) => {
    const name = claim === "jti" ? "jti" : "device id";
    expect(await told(withClaim(claim, json))).toStartWith(`unauthorized: the token's ${name} `);
    expect(await told(withClaim(claim, json), header, "socket")).toStartWith("unauthorized: ");
  });

  const otherTypes = ["7", "true", "[]", '["a"]', "{}", '{"toString":"x"}', "1e999"];
  test.each(claims.flatMap((claim) => otherTypes.map((json) => [claim, json] as const)))(
    "a %s of %s is refused: only a string is one",
    async (claim, json) => expect(await told(withClaim(claim, json))).toEndWith(" must be a string"),
  );

  test("a subject, an issuer or an audience with anything beside what is expected is refused", async () => {
    const texts = [`${userId}\u0000`, ` ${userId}`, `${userId}\n`, `\ud800${userId.slice(1)}`];
    for (const text of texts) expect(await told(withClaim("sub", JSON.stringify(text)))).toContain("uuid");
    for (const json of [String.raw`"whispr-auth\u0000"`, "7", "null", '["whispr-auth"]'])
      expect(await told(withClaim("iss", json))).toContain("iss");
    for (const json of [String.raw`"whispr\u0000"`, "7", "null", '{"0":"whispr"}', '[["whispr"]]'])
      expect(await told(withClaim("aud", json))).toContain("another audience");
    const many = JSON.stringify([...Array.from({ length: 100 }, (_, index) => `a${index}`), "whispr"]);
    expect(await told(withClaim("aud", many))).toContain("too many audiences");
  });

  test("claims that nothing is made of may hold anything", async () => {
    expect(await told(withClaim("nickname", String.raw`"a\u0000\ud800"`))).toBe("accepted");
  });

  test("letters of any script, emoji and spaces are fine in a device id", async () => {
    const { tokens, sign } = start(given());
    for (const text of ["téléphone d'Ada", "手机", "📱 1", "x".repeat(128)])
      expect(identity(await tokens.verify(await sign({ deviceId: text }), "rest")).deviceId).toBe(text);
    expect(refusal(await tokens.verify(await sign({ deviceId: "x".repeat(129) }), "rest"))).toContain(
      "short",
    );
  });

  test("a device that is named twice has one name, or the token is refused", async () => {
    const { tokens, sign } = start(given());
    const twice = (other: unknown) => sign({ deviceId, device_id: other });
    expect(identity(await tokens.verify(await twice(deviceId), "rest")).deviceId).toBe(deviceId);
    expect(identity(await tokens.verify(await twice(null), "rest")).deviceId).toBe(deviceId);
    expect(refusal(await tokens.verify(await twice("tablet"), "rest"))).toContain("differ");
    expect(refusal(await tokens.verify(await twice("a\u0000"), "rest"))).toContain("control character");
  });
});

describe("subjects that are not UUIDs", () => {
  const namespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

  /** The user id of a token whose `sub` is written exactly so, or why it is refused. */
  async function userOf(json: string, subjectNamespace: string | null = namespace): Promise<string> {
    const { tokens } = start(given(), { subjectNamespace });
    const verified = await tokens.verify(signTexts(header, withClaim("sub", json)), "socket");
    return verified.ok ? verified.identity.userId : refusal(verified);
  }

  test("are refused where no namespace is set", async () => {
    expect(await userOf('"auth0|ada"', null)).toBe("unauthorized: the token's subject must be a user's uuid");
  });

  test("become the UUIDv5 in the namespace: the values of RFC 9562 A.4 and of Python's uuid5", async () => {
    expect(await userOf('"www.example.com"')).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
    expect(await userOf('"é"')).toBe("ebfe0af8-3997-5ade-b634-ba92cf69f557");
    expect(await userOf('"ünï|📱"')).toBe("30d15629-49b0-514f-9761-5dcfc60c3eef");
    expect(await userOf('"\\u00fcn\\u00ef|\\ud83d\\udcf1"')).toBe("30d15629-49b0-514f-9761-5dcfc60c3eef");
  });

  test("that differ in case, in a space or in composition are different users", async () => {
    const texts = ["ada", "Ada", " ada", "ada ", "é", "e\u0301", `{${userId}}`, userId.replaceAll("-", "")];
    const ids = await Promise.all(texts.map((text) => userOf(JSON.stringify(text))));
    expect(new Set(ids).size).toBe(texts.length);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("may have 255 characters", async () => {
    expect(await userOf(JSON.stringify("é".repeat(255)))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await userOf(JSON.stringify("x".repeat(256)))).toContain("1 to 255 characters");
  });

  test.each([
    ['""', "1 to 255 characters"],
    [String.raw`"a\u0000b"`, "a control character"],
    [String.raw`"a\u009bb"`, "a control character"],
    [String.raw`"\ud800"`, "an unpaired surrogate"],
    [String.raw`"\udc00\ud800"`, "an unpaired surrogate"],
    ["7", "must be a string"],
    ["null", "must be a string"],
    ['["ada"]', "must be a string"],
  ])("of %s are refused", async (json, reason) => {
    const answer = await userOf(json);
    expect(answer).toStartWith("unauthorized: the token's subject ");
    expect(answer).toContain(reason);
  });

  test("change nothing for subjects that are UUIDs, of any version and case", async () => {
    for (const uuid of [
      userId,
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    ]) {
      expect(await userOf(JSON.stringify(uuid))).toBe(uuid);
      expect(await userOf(JSON.stringify(uuid.toUpperCase()))).toBe(uuid);
    }
  });
});

describe("times in claims", () => {
  const noTimes = [
    "1e999",
    "-1e999",
    "-1",
    "1e300",
    "253402300800",
    '"1760003600"',
    "null",
    "[]",
    "{}",
    "true",
  ];
  test.each(["exp", "nbf", "iat"].flatMap((claim) => noTimes.map((json) => [claim, json] as const)))(
    "S10: an %s of %s is no time",
    async (claim, json) =>
      expect(await told(withClaim(claim, json))).toBe(
        // jose looks at the sign of an exp first.
        claim === "exp" && json === "-1e999"
          ? "unauthorized: the token has expired"
          : `unauthorized: the token's ${claim} is missing or not accepted`,
      ),
  );

  test("a part of a second is fine, and a time of 0 is long ago", async () => {
    expect(await told(withClaim("exp", "1760003600.5"))).toBe("accepted");
    expect(await told(withClaim("iat", "0"))).toBe("accepted");
    expect(await told(withClaim("exp", "0"))).toBe("unauthorized: the token has expired");
  });

  test("a token without an end is refused", async () => {
    const { exp: _, ...endless } = usual;
    expect(await told(JSON.stringify(endless))).toContain("exp is missing");
  });

  test("S10: a token that is valid for longer than JWT_MAX_LIFETIME is refused", async () => {
    const aheadS = 366 * 86_400;
    expect(await told(withClaim("exp", String(1_760_000_000 + aheadS)))).toBe("accepted");
    expect(await told(withClaim("exp", String(1_760_000_001 + aheadS)))).toContain("JWT_MAX_LIFETIME");
    expect(await told(withClaim("exp", "253402300799"))).toContain("JWT_MAX_LIFETIME");
  });
});

describe("other kinds of tokens", () => {
  const typed = (typ: string) => `{"alg":"ES256","kid":"key-1","typ":${typ}}`;

  test.each(["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/JWT"])(
    "typ %s is an access token",
    async (typ) => expect(await told(JSON.stringify(usual), typed(JSON.stringify(typ)))).toBe("accepted"),
  );

  test.each([
    ...[
      '"refresh+jwt"',
      '"Refresh+JWT"',
      '"rt+jwt"',
      '"application/refresh+jwt"',
      '"id_token"',
      '"logout+jwt"',
    ],
    ...['"dpop+jwt"', '"secevent+jwt"', '"JWT "', '"JWT\\u0000"', '""', "7", "null", "{}", '["JWT"]'],
  ])("S10: typ %s in the header is refused", async (typ) => {
    const answer = await told(JSON.stringify(usual), typed(typ));
    expect(answer).toBe("unauthorized: the token's typ must be JWT or at+jwt: this is another kind of token");
  });

  const purposes = ["type", "typ", "Type", "token_type", "tokenType", "token_use", "tokenUse", "TOKEN_USE"];
  const values = [
    "refresh",
    "Refresh",
    "REFRESH_TOKEN",
    "refresh-token",
    "offline",
    "Offline",
    "id",
    "ID",
    "id_token",
  ];
  test.each(purposes)("S10: %s may not name a refresh or id token, however it is written", async (name) => {
    for (const value of values)
      expect(await told(withClaim(name, JSON.stringify(value)))).toMatch(
        /a refresh token|not an access token/,
      );
    for (const json of ["7", '["refresh"]', '{"refresh":true}'])
      expect(await told(withClaim(name, json))).toEndWith("must be a string");
  });

  test("what issuers call their access tokens is accepted", async () => {
    for (const value of ["access", "Bearer", "access_token", "user", "ws"])
      expect(await told(withClaim("type", JSON.stringify(value)))).toBe("accepted");
  });
});

describe("key ids", () => {
  const withKid = (kid: string) => `{"alg":"ES256","kid":${kid}}`;

  test.each(["7", "null", "true", "{}", '["key-1"]', '{"toString":"key-1"}'])(
    "S10: a kid of %s is refused",
    async (kid) => {
      const answer = await told(JSON.stringify(usual), withKid(kid));
      expect(answer).toBe("unauthorized: the token's kid must be a string");
    },
  );

  test.each([String.raw`"key-1\u0000"`, String.raw`"\ud800"`, '""', JSON.stringify("x".repeat(257))])(
    "S10: a kid of %s is refused before any key is looked up",
    async (kid) => {
      const { tokens } = start({ type: "given", keys: [] });
      const answer = refusal(await tokens.verify(signTexts(withKid(kid), JSON.stringify(usual)), "rest"));
      expect(answer).toStartWith("unauthorized: the token's kid ");
    },
  );

  test("S10: a kid of a megabyte is refused by the length of its token", async () => {
    const token = signTexts(withKid(JSON.stringify("x".repeat(1 << 20))), JSON.stringify(usual), es256);
    const { tokens } = start(given());
    expect(refusal(await tokens.verify(token, "rest"))).toBe("unauthorized: the token is too long");
  });
});
