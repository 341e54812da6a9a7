import { describe, expect, test } from "bun:test";
import { Charges } from "../../core/limits/charge.ts";
import { LocalLimiter } from "../../limiter/local.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { noLimits } from "../../testing/costs/limits-off.ts";
import { FailedTokens } from "./failed-tokens.ts";

const [guilty, other] = ["198.51.100.1", "198.51.100.2"];

/** Verifications that end when the test says so. */
function world() {
  const clock = new VirtualClock();
  const limits = { ...noLimits, address_failures: { perMinute: 60, burst: 3 } };
  const charges = new Charges({
    limiter: new LocalLimiter({ clock, limits }),
    observer: { rateLimited() {} },
  });
  const failures = new FailedTokens({ charges, clock });
  const verifying: (() => void)[] = [];
  const asked: string[] = [];
  const run = (address: string) => {
    const ask = () => {
      asked.push(address);
      return address;
    };
    return failures.run(
      ask,
      () => new Promise<string>((resolve) => verifying.push(() => resolve("verified"))),
    );
  };
  const makeSuspect = () => {
    while (failures.failed(guilty) === null);
  };
  return { clock, failures, verifying, asked, run, makeSuspect };
}

describe("tokens", () => {
  test("are verified at once, however many come, while no address sends forged ones, and nobody is asked for addresses", async () => {
    const { verifying, asked, run, failures } = world();
    failures.failed(guilty);
    for (let each = 0; each < 500; each++) void run(guilty);
    await settled();
    expect([verifying.length, asked]).toEqual([500, []]);
  });

  test("of an address that sends many forged ones are verified few at a time, each in the end; those of others at once", async () => {
    const { verifying, run, makeSuspect } = world();
    makeSuspect();
    const all = Array.from({ length: 1_000 }, () => run(guilty));
    await settled();
    expect(verifying).toHaveLength(2);
    const others = Array.from({ length: 50 }, () => run(other));
    await settled();
    expect(verifying).toHaveLength(52);
    expect(await run(guilty)).toMatchObject({ code: "rate_limited", retryAfterMs: 1_000 });
    for (let next = 0; next < 1_050; next++) {
      verifying[next]!();
      await settled();
    }
    expect(new Set(await Promise.all([...all, ...others]))).toEqual(new Set(["verified"]));
  });

  test("of an address are verified at once again when its time is over", async () => {
    const { clock, verifying, run, makeSuspect } = world();
    makeSuspect();
    await clock.runFor(1_000);
    for (let each = 0; each < 10; each++) void run(guilty);
    await settled();
    expect(verifying).toHaveLength(10);
  });

  test("of ten thousand suspect addresses and more are remembered no longer than there is room", async () => {
    const { failures, run, verifying, asked } = world();
    const many = Array.from({ length: 10_001 }, (_, each) => `address ${each}`);
    for (const each of many) while (failures.failed(each) === null);
    for (let each = 0; each < 5; each++) void run(many[0]!);
    for (let each = 0; each < 5; each++) void run(many[1]!);
    await settled();
    expect([verifying.length, asked.length]).toEqual([7, 10]);
  });
});
