import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { agoText } from "../times.ts";
import { count } from "./parts.ts";

/** The line below a conversation's title: who types, who is there. As many are online as have a dot, oneself too. */
export function statusText(app: App, conversation: Conversation): string {
  const typists = [...conversation.typing].map((id) => app.people.nameOf(id));
  if (typists.length > 0 && conversation.type === "direct") return "typing …";
  if (typists.length > 0) return `${typists.join(", ")} ${typists.length > 1 ? "are" : "is"} typing …`;
  const other = app.otherIn(conversation);
  if (conversation.isBlocked) return "blocked";
  if (other) return personText(app, other);
  const online = [...conversation.members.keys()].filter((id) => app.presenceOf(id) !== null).length;
  return count(conversation.members.size, "member") + (online > 0 ? `, ${online} online` : "");
}

export function personText(app: App, userId: string): string {
  if (app.line.state !== "open") return "";
  const availability = app.presenceOf(userId);
  if (availability) return availability;
  const lastSeen = app.people.lastSeenOf(userId);
  return lastSeen ? `last seen ${agoText(lastSeen)}` : "offline";
}
