import { expect, test } from "bun:test";
import { aSend, aState } from "../../testing/builders/builders.ts";
import { decideWith, someFacts } from "../../testing/builders/facts.ts";
import { deviceTagOf, keyLifetimeUs, untagged } from "./send-key.ts";

const noonUs = 1_767_268_800_000_000;
const phone = deviceTagOf("phone");

/** Under the key 1 of one sender two messages are stored: by the phone, and later one whose device is not known. Both keys have expired. */
function twoExpiredKeys() {
  const state = aState({ seq: 2, rev: 2, lastSentAtUs: noonUs });
  const senderId = [...state.members.keys()][0]!;
  const facts = someFacts();
  facts.learnKey(senderId, { deviceTag: phone, clientRandom: 1 }, [
    { deviceTag: phone, seq: 1, sentAtUs: noonUs - 1 },
    { deviceTag: untagged, seq: 2, sentAtUs: noonUs },
  ]);
  const send = (deviceTag: number, nowUs: number) => {
    const command = aSend({ conversationId: state.id, senderId, deviceTag, clientRandom: 1 });
    return decideWith(state, facts, command, nowUs);
  };
  return { send };
}

test("I3: a send takes over the expired key that is in its way, and no newer one of a message whose device is not known", () => {
  const { send } = twoExpiredKeys();
  const laterUs = noonUs + keyLifetimeUs;
  expect(send(phone, laterUs)).toMatchObject({ events: [{ seq: 3, releasesKeyOf: 1 }] });
  expect(send(deviceTagOf("tablet"), laterUs)).toMatchObject({ events: [{ seq: 3, releasesKeyOf: null }] });
  expect(send(phone, laterUs - 1)).toMatchObject({ type: "duplicate", seq: 2 });
});
