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

  removeMember(conversation: Conversation, userId: string): Promise<boolean> {
    return this.#call("DELETE", conversation, `/members/${userId}`);
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

  leave(conversation: Conversation): Promise<boolean> {
    return this.#call("POST", conversation, "/leave");
  }

  #call(method: string, { id }: Conversation, path: string, body?: object): Promise<boolean> {
    const { rest, toasts } = this.#context;
    return toasts.attempt(() => rest.call(method, `/conversations/${id}${path}`, body));
  }
}
