import { expect, test } from "bun:test";
import fc from "fast-check";
import { deviceTagOf, type KeyUse, type SendKey, untagged } from "../../core/messages/send-key.ts";
import { RecentKeys } from "./recent-keys.ts";

const [none, phone, tablet] = [null, "phone", "tablet"].map(deviceTagOf) as [number, number, number];

/** The same promise in the plainest form: a list of uses, of which the newest `capacity` count. */
class PlainKeys {
  readonly #uses: { readonly sender: string; readonly clientRandom: number; readonly use: KeyUse }[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  find(sender: string, key: SendKey, tags = [key.deviceTag, untagged]): KeyUse | undefined {
    const known = this.#uses
      .slice(-this.#capacity)
      .filter((each) => each.sender === sender && each.clientRandom === key.clientRandom)
      .filter(({ use }) => tags.includes(use.deviceTag));
    return known.map((each) => each.use).sort((one, other) => other.seq - one.seq)[0];
  }

  holder(sender: string, key: SendKey): KeyUse | undefined {
    return this.find(sender, key, [key.deviceTag]);
  }

  remember(sender: string, clientRandom: number, use: KeyUse): void {
    this.#uses.push({ sender, clientRandom, use });
  }
}

const senders = fc.constantFrom("anna", "ben", "cleo");
const devices = fc.constantFrom(untagged, none, phone, tablet);
const randoms = fc.oneof(fc.constantFrom(0, 1, 2, 2 ** 32 - 1), fc.integer({ min: 0, max: 40 }));

test("I3: the newest uses of every sender and device are found again, through growth and wrap-around", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(16, 17, 24, 64, 256),
      fc.array(fc.tuple(senders, devices, randoms), { maxLength: 700, size: "max" }),
      (capacity, uses) => {
        const real = new RecentKeys({ capacity });
        const plain = new PlainKeys(capacity);
        const compare = (sender: string, key: SendKey) => {
          expect(real.find(sender, key)).toEqual(plain.find(sender, key));
          expect(real.holder(sender, key)).toEqual(plain.holder(sender, key));
        };
        uses.forEach(([sender, deviceTag, clientRandom], index) => {
          const key = { deviceTag, clientRandom };
          compare(sender, key);
          const use = { deviceTag, seq: index + 1, sentAtUs: 1_767_225_600_000_000 + index };
          real.remember(sender, clientRandom, use);
          plain.remember(sender, clientRandom, use);
          expect(real.find(sender, key)).toEqual(use);
        });
        for (const sender of ["anna", "ben", "cleo"])
          for (const deviceTag of [none, phone, tablet])
            for (let clientRandom = 0; clientRandom <= 40; clientRandom++)
              compare(sender, { deviceTag, clientRandom });
      },
    ),
    { numRuns: 60 },
  );
});

test("I3: a use from before devices counted is repeated by every device, and in the way of none", () => {
  const remembered = new RecentKeys({ capacity: 16 });
  const old = { deviceTag: untagged, seq: 3, sentAtUs: 1 };
  remembered.remember("anna", 7, old);
  for (const deviceTag of [none, phone, tablet]) {
    expect(remembered.find("anna", { deviceTag, clientRandom: 7 })).toEqual(old);
    expect(remembered.holder("anna", { deviceTag, clientRandom: 7 })).toBeUndefined();
  }
});

test("a use that is learned late does not hide a newer one", () => {
  const remembered = new RecentKeys({ capacity: 16 });
  remembered.remember("anna", 7, { deviceTag: phone, seq: 900, sentAtUs: 2 });
  remembered.remember("anna", 7, { deviceTag: phone, seq: 5, sentAtUs: 1 });
  expect(remembered.find("anna", { deviceTag: phone, clientRandom: 7 })?.seq).toBe(900);
});

test("two senders may use the same key, and key 0 is a key like any other", () => {
  const remembered = new RecentKeys({ capacity: 16 });
  const key = { deviceTag: none, clientRandom: 0 };
  expect(remembered.find("anna", key)).toBeUndefined();
  remembered.remember("anna", 0, { deviceTag: none, seq: 1, sentAtUs: 1 });
  remembered.remember("ben", 0, { deviceTag: none, seq: 2, sentAtUs: 2 });
  expect(remembered.find("anna", key)?.seq).toBe(1);
  expect(remembered.find("ben", key)?.seq).toBe(2);
  expect(remembered.find("cleo", key)).toBeUndefined();
});

test("I10: after 65,536 senders the memory starts afresh and mistakes nobody for another", () => {
  const remembered = new RecentKeys({ capacity: 256 });
  for (let sender = 0; sender <= 0x1_0000; sender++) {
    remembered.remember(`user ${sender}`, 42, { deviceTag: none, seq: sender + 1, sentAtUs: sender });
  }
  const key = { deviceTag: none, clientRandom: 42 };
  expect(remembered.find("user 65535", key)).toBeUndefined();
  expect(remembered.find("user 65536", key)?.seq).toBe(0x1_0001);
});
