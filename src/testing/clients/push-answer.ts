import type { JoinReply } from "./device-types.ts";

/** Resolves with the payload of a push's reply; rejects with a refusal, or when there is no reply in time. */
export function answer(push: {
  receive(status: string, then: (reply: JoinReply) => void): unknown;
}): Promise<JoinReply> {
  return new Promise((resolve, reject) => {
    push.receive("ok", resolve);
    push.receive("error", (refusal) => reject(new Error(JSON.stringify(refusal))));
    push.receive("timeout", () => reject(new Error("no answer")));
  });
}
