import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { agoText } from "../times.ts";
import { count } from "./parts.ts";

/** The line below a conversation's title: who types, who is there. */
export function statusText(app: App, conversation: Conversation): string {
  const typists = [...conversation.typing].map((id) => app.people.nameOf(id));
  if (typists.length > 0 && conversation.type === "direct") return "typing …";
  if (typists.length > 0) return `${typists.join(", ")} ${typists.length > 1 ? "are" : "is"} typing …`;
  const other = app.otherIn(conversation);
  if (conversation.isBlocked) return "blocked";
  if (other) return personText(app, other);
  const isThere = conversation
    .othersThan(app.account.userId)
    .filter((id) => app.people.availabilityOf(id) !== null);
  const there = app.line.state === "open" && isThere.length > 0 ? `, ${isThere.length} online` : "";
  return count(conversation.members.size, "member") + there;
}

export function personText(app: App, userId: string): string {
  if (app.line.state !== "open") return "";
  const availability = app.people.availabilityOf(userId);
  if (availability) return availability;
  const lastSeen = app.people.lastSeenOf(userId);
  return lastSeen ? `last seen ${agoText(lastSeen)}` : "offline";
}
