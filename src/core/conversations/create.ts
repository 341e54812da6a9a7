import type { Rejection } from "../rejection.ts";
import { reject } from "../rejection.ts";

/** Makes, or finds, the one direct conversation of two users. Not a turn of an actor: it creates what an actor would own. */
export interface CreateDirect {
  readonly type: "create_direct";
  /** The id that the conversation gets when it does not exist yet. */
  readonly id: string;
  readonly creatorId: string;
  readonly otherUserId: string;
  readonly atUs: number;
}

export function checkCreateDirect(command: CreateDirect): Rejection | null {
  if (command.creatorId !== command.otherUserId) return null;
  return reject(
    "invalid_payload",
    "A direct conversation needs two different users; other_user_id is yourself.",
    {
      details: { other_user_id: "must not be your own id" },
    },
  );
}

/** The pair in the order that makes it the same whoever asks. */
export function pairOf(command: CreateDirect): { readonly low: string; readonly high: string } {
  const { creatorId, otherUserId } = command;
  return creatorId < otherUserId
    ? { low: creatorId, high: otherUserId }
    : { low: otherUserId, high: creatorId };
}
