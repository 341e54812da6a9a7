import type { Conversation } from "./conversation.ts";
import type { People } from "./people.ts";
import type { BareConversation, MembersPush } from "./wire.ts";

/** What happened to a conversation's members, as a sentence. */
export function tellMembers(
  conversation: Conversation,
  { event, actor_id, user_id, user_ids, member }: MembersPush,
  { people, userId }: { readonly people: People; readonly userId: string },
): string {
  const name = (id: string) => (id === userId ? "you" : people.nameOf(id));
  const actor = capital(name(actor_id));
  const others = (user_ids?.length ?? 1) - 1;
  const added = others > 0 ? `${name(user_id)} and ${others} more` : name(user_id);
  // The two of a direct conversation do not come and go: one blocks the other.
  if (conversation.type === "direct")
    return `${actor} ${event === "member_added" ? "unblocked" : "blocked"} ${name(user_id)}`;
  switch (event) {
    case "member_added":
      return `${actor} added ${added}`;
    case "member_removed":
      return `${actor} removed ${name(user_id)}`;
    case "member_left":
      return `${capital(name(user_id))} left`;
    case "member_role_updated":
      return `${capital(name(user_id))} ${user_id === userId ? "are" : "is"} now ${roleWithArticle(member.role)}`;
  }
}

export function tellSettings(before: Conversation, after: BareConversation): string {
  const { name } = after.metadata;
  return typeof name === "string" && name !== before.name
    ? `The group is now called “${name}”`
    : "The group’s settings changed";
}

function roleWithArticle(role: string): string {
  return `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
