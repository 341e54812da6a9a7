import { type Rejection, reject } from "../rejection.ts";
import { noSuchUser } from "./blocks.ts";
import type { Contact } from "./contact.ts";
import type { MemberRecord, Pending } from "./conversation.ts";

/** Returns the contact as it is after a membership of its user has ended. */
export function contactAfter(
  contact: Contact,
  { staysOutUntilUs }: Pick<MemberRecord, "staysOutUntilUs">,
): Contact {
  return { ...contact, staysOutUntilUs: staysOutUntilUs ?? null };
}

/** The most users that one refusal names. */
const maxNamed = 10;

/**
 * Returns why these users cannot be made members, or null: all of them are added or none. To a blocked user, those who blocked them do not
 * exist, as when a direct conversation is created. The refusal names the users, so that a client can leave them out.
 */
export function mayNotMeet(contacts: readonly Contact[], nowUs: number): Rejection | null {
  const blocked = contacts.filter(({ isBlocked }) => isBlocked);
  if (blocked.length > 0) return youBlockedSome(blocked.map(idOf));
  const blocking = contacts.filter(({ hasBlocked }) => hasBlocked);
  if (blocking.length > 0) return noSuchUsers(blocking.map(idOf));
  const out = contacts.filter(({ staysOutUntilUs }) => staysOutUntilUs !== null && staysOutUntilUs > nowUs);
  return out.length > 0 ? leftByThemselves(out) : null;
}

/** Returns the state of a membership that somebody else begins. `asksFirst`: users who do not know the one who adds them are asked first. */
export function pendingOf(contact: Pick<Contact, "isKnown">, asksFirst: boolean): Pending {
  return asksFirst && !contact.isKnown ? "request" : "added";
}

/** Refuses to add users who have blocked the one who adds them, as if these users did not exist. */
export function noSuchUsers(userIds: readonly string[]): Rejection {
  return { ...noSuchUser, details: { user_ids: named(userIds) } };
}

export function youBlockedSome(userIds: readonly string[]): Rejection {
  return reject("forbidden", "You have blocked some of these users. Unblock them first, or leave them out.", {
    details: { user_ids: named(userIds) },
  });
}

function leftByThemselves(contacts: readonly Contact[]): Rejection {
  return reject(
    "conflict",
    "Some of these users left the group by themselves. Until they allow it, or 24 h have passed, nobody can add them again; leave them out.",
    { details: { user_ids: named(contacts.map(idOf)) } },
  );
}

function idOf({ userId }: Contact): string {
  return userId;
}

function named(userIds: readonly string[]): string {
  return userIds.slice(0, maxNamed).join(", ");
}
