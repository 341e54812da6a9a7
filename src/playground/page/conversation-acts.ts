import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { onePermission, type Permission, type PermissionName } from "./group-settings.ts";
import type { Role, Summary } from "./wire.ts";

/** What is done with conversations: making them, and everything that admins of groups do. */
export class ConversationActs {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  createDirect(userId: string): Promise<boolean> {
    return this.#create({ type: "direct", other_user_id: userId });
  }

  createGroup(name: string, userIds: readonly string[]): Promise<boolean> {
    return this.#create({ type: "group", name, user_ids: [this.#context.account.userId, ...userIds] });
  }

  #create(body: object): Promise<boolean> {
    const { rest, conversations, sync, toasts, show } = this.#context;
    return toasts.attempt(async () => {
      const { data } = await rest.call<Summary>("POST", "/conversations", body);
      sync.topicOf(conversations.put(data));
      show(data.id);
    });
  }

  addMembers(conversation: Conversation, userIds: readonly string[]): Promise<boolean> {
    return this.#call("POST", conversation, "/members", { user_ids: userIds });
  }

  /** Asks first: what is written meanwhile is not theirs to read, also when they are added again. */
  askToRemoveMember(conversation: Conversation, userId: string): void {
    const name = this.#context.people.nameOf(userId);
    this.#context.ask({
      title: `Remove ${name}?`,
      text: `${name} can no longer read or write in this group until somebody adds them again.`,
      label: "Remove",
      act: () => this.#call("DELETE", conversation, `/members/${userId}`),
    });
  }

  /** Asks first: only the new owner could give it back. */
  askToMakeOwner(conversation: Conversation, userId: string): void {
    const name = this.#context.people.nameOf(userId);
    this.#context.ask({
      title: `Make ${name} the owner?`,
      text: `A group has one owner. You become an admin, and only ${name} can make you the owner again.`,
      label: "Make owner",
      act: () => this.setRole(conversation, userId, "owner"),
    });
  }

  setRole(conversation: Conversation, userId: string, role: Role): Promise<boolean> {
    return this.#call("PATCH", conversation, `/members/${userId}/role`, { role });
  }

  rename(conversation: Conversation, name: string): Promise<boolean> {
    return this.#call("PUT", conversation, "", { name });
  }

  setPermission(conversation: Conversation, name: PermissionName, value: Permission): Promise<boolean> {
    const metadata = onePermission(name, value);
    return this.#call("PUT", conversation, "", { metadata });
  }

  /** Asks first: one cannot come back alone. */
  askToLeave(conversation: Conversation): void {
    const isLast = conversation.members.size === 1;
    const isOwner = conversation.roleOf(this.#context.account.userId) === "owner";
    const heir = isOwner ? " Another member becomes its owner." : "";
    this.#context.ask({
      title: "Leave the group?",
      text: isLast
        ? "You are its last member: the group is closed, and nobody can open it again."
        : `You can no longer read it, and come back only when somebody adds you.${heir}`,
      label: "Leave",
      act: () => this.#call("POST", conversation, "/leave"),
    });
  }

  #call(method: string, { id }: Conversation, path: string, body?: object): Promise<boolean> {
    const { rest, toasts } = this.#context;
    return toasts.attempt(() => rest.call(method, `/conversations/${id}${path}`, body));
  }
}
