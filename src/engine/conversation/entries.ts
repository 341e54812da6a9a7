import type { Event } from "../../core/events.ts";
import { sizeOfMessage } from "../../core/messages/message.ts";
import type { KeyLookup } from "../../core/ports/actor-reads.ts";
import type { Actor, Entry } from "./actor.ts";

/** Functions over the changes in a batch, for the lane. */

export function storedEntry(entry: Entry): void {
  entry.actor.stored(entry);
}

export function changeOf(entry: Entry): Entry["change"] {
  return entry.change;
}

export function isOfMembers(event: Event): boolean {
  return "member" in event;
}

export function keysOf(entry: Entry): KeyLookup[] {
  return entry.change.events.flatMap((event) => {
    if (event.type !== "message_sent" || event.clientRandom === null) return [];
    const { conversationId, senderId, deviceTag, clientRandom } = event;
    return [{ conversationId, senderId, deviceTag, clientRandom }];
  });
}

/** Returns the messages whose hold on a key ends with this entry, as `<conversation> <seq>`. They do not make a key taken. */
export function releasesOf(entry: Entry): string[] {
  return entry.change.events.flatMap((event) =>
    event.type === "message_sent" && event.releasesKeyOf !== null
      ? [`${event.conversationId} ${event.releasesKeyOf}`]
      : [],
  );
}

export function sizeOf(entry: Entry): number {
  let bytes = 0;
  for (const event of entry.change.events) bytes += sizeOfEvent(event);
  return bytes;
}

function sizeOfEvent(event: Event): number {
  switch (event.type) {
    case "message_sent":
      return sizeOfMessage(event);
    case "message_edited":
    case "message_deleted":
    case "media_attached":
      return sizeOfMessage(event.message);
    case "conversation_changed":
      return event.conversation.metadata.length;
    default:
      // Ids and numbers, and the characters of a reaction.
      return 0;
  }
}

/** Halves a batch by conversation; a batch of one conversation by change. */
export function halves(batch: readonly Entry[]): [readonly Entry[], readonly Entry[]] {
  const actors = [...new Set(batch.map((entry) => entry.actor))];
  if (actors.length === 1) {
    const middle = batch.length >> 1;
    return [batch.slice(0, middle), batch.slice(middle)];
  }
  const firstHalf = new Set<Actor>(actors.slice(0, actors.length >> 1));
  return partition(batch, (entry) => firstHalf.has(entry.actor));
}

export function partition(batch: readonly Entry[], test: (entry: Entry) => boolean): [Entry[], Entry[]] {
  const yes: Entry[] = [];
  const no: Entry[] = [];
  for (const entry of batch) (test(entry) ? yes : no).push(entry);
  return [yes, no];
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
