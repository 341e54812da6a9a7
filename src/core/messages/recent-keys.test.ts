import { expect, test } from "bun:test";
import fc from "fast-check";
import { type KeyUse, RecentKeys } from "./recent-keys.ts";

/** The same promise in the plainest form: a list of uses, of which the newest `capacity` count. */
class PlainKeys {
  readonly #uses: { readonly sender: string; readonly key: number; readonly use: KeyUse }[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  find(sender: string, key: number): KeyUse | undefined {
    const known = this.#uses
      .slice(-this.#capacity)
      .filter((each) => each.sender === sender && each.key === key);
    return known.map((each) => each.use).sort((one, other) => other.seq - one.seq)[0];
  }

  remember(sender: string, key: number, use: KeyUse): void {
    this.#uses.push({ sender, key, use });
  }
}

const senders = fc.constantFrom("anna", "ben", "cleo");
const keys = fc.oneof(fc.constantFrom(0, 1, 2, 2 ** 32 - 1), fc.integer({ min: 0, max: 40 }));

test("I3: the newest uses of every sender are found again, through growth and wrap-around", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(16, 17, 24, 64, 256),
      fc.array(fc.tuple(senders, keys), { maxLength: 700, size: "max" }),
      (capacity, uses) => {
        const real = new RecentKeys({ capacity });
        const plain = new PlainKeys(capacity);
        uses.forEach(([sender, key], index) => {
          expect(real.find(sender, key)).toEqual(plain.find(sender, key));
          const use = { seq: index + 1, sentAtUs: 1_767_225_600_000_000 + index };
          real.remember(sender, key, use);
          plain.remember(sender, key, use);
          expect(real.find(sender, key)).toEqual(use);
        });
        for (const sender of ["anna", "ben", "cleo"])
          for (let key = 0; key <= 40; key++) expect(real.find(sender, key)).toEqual(plain.find(sender, key));
      },
    ),
    { numRuns: 60 },
  );
});

test("a use that is learned late does not hide a newer one", () => {
  const remembered = new RecentKeys({ capacity: 16 });
  remembered.remember("anna", 7, { seq: 900, sentAtUs: 2 });
  remembered.remember("anna", 7, { seq: 5, sentAtUs: 1 });
  expect(remembered.find("anna", 7)).toEqual({ seq: 900, sentAtUs: 2 });
});

test("two senders may use the same key, and key 0 is a key like any other", () => {
  const remembered = new RecentKeys({ capacity: 16 });
  expect(remembered.find("anna", 0)).toBeUndefined();
  remembered.remember("anna", 0, { seq: 1, sentAtUs: 1 });
  remembered.remember("ben", 0, { seq: 2, sentAtUs: 2 });
  expect(remembered.find("anna", 0)?.seq).toBe(1);
  expect(remembered.find("ben", 0)?.seq).toBe(2);
  expect(remembered.find("cleo", 0)).toBeUndefined();
});

test("I10: after 65,536 senders the memory starts afresh and mistakes nobody for another", () => {
  const remembered = new RecentKeys({ capacity: 256 });
  for (let sender = 0; sender <= 0x1_0000; sender++) {
    remembered.remember(`user ${sender}`, 42, { seq: sender + 1, sentAtUs: sender });
  }
  expect(remembered.find("user 65535", 42)).toBeUndefined();
  expect(remembered.find("user 65536", 42)?.seq).toBe(0x1_0001);
});
