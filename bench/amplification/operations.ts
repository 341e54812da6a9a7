import { conversationEvents } from "../../src/web/channels/conversation-events.ts";
import { userEvents } from "../../src/web/channels/user-events.ts";
import { apiRoutes } from "../../src/web/controllers/routes.ts";

/** What is no route and no event of a channel. A new kind of input needs a line here. */
const others = [
  "handshake",
  "join of a conversation",
  "join of a user",
  "leave",
  "heartbeat",
  "malformed frame",
  "oversized frame",
  "unknown event",
  "unknown topic",
  "refused request",
  "presence",
] as const;

/** The name of everything that a client can ask for, from the code: the tables of routes and events are made without what they use. */
export function operations(): readonly string[] {
  const routes = apiRoutes({} as never).map(({ method, path }) => `${method} ${path}`);
  const ofConversations = conversationEvents({} as never).names.map((name) => `conversation: ${name}`);
  const ofUsers = userEvents({} as never).names.map((name) => `user: ${name}`);
  return [...routes, ...ofConversations, ...ofUsers, ...others];
}
