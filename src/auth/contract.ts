import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Tokens } from "../core/ports/tokens.ts";
import { newId } from "../system.ts";

export interface TokensStage {
  readonly tokens: Tokens;
  /** Returns a good token of this user and device. */
  issue(claims: { readonly userId: string; readonly deviceId: string | null }): Promise<string>;
}

/** The contract of all implementations of `Tokens`. */
export function tokensContract(make: () => TokensStage): void {
  test("a good token names its user and device, for sockets and requests alike", async () => {
    const { tokens, issue } = make();
    for (const deviceId of [newId(), null]) {
      const claims = { userId: newId(), deviceId };
      const token = await issue(claims);
      for (const use of ["socket", "rest"] as const)
        expect(await tokens.verify(token, use)).toMatchObject({ ok: true, identity: claims });
    }
  });

  test("I11: whatever else comes is refused with a reason that does not repeat it, and nothing is thrown", async () => {
    const { tokens, issue } = make();
    const good = await issue({ userId: newId(), deviceId: null });
    const garbage = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.json().map((json) => Buffer.from(json).toString("base64url")),
      fc.nat({ max: good.length - 2 }).map((length) => good.slice(0, length)),
    );
    await fc.assert(
      fc.asyncProperty(garbage, async (token) => {
        const verified = await tokens.verify(token, "rest");
        if (verified.ok) throw new Error(`accepted: ${token}`);
        expect(verified.code).toBe("unauthorized");
        if (token.length > 20) expect(verified.reason).not.toContain(token);
      }),
      { numRuns: 300 },
    );
  });
}
