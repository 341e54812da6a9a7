import type { Observer } from "../core/ports/observer.ts";
import type { Services } from "../operations/services.ts";
import { kindOfTopic } from "../operations/topics/topics.ts";
import type { Routes } from "../phoenix/channel.ts";
import type { Gate } from "./gate.ts";
import { rejectionText } from "./http/rejections.ts";
import { ConversationJoins, type ConversationJoinsOptions } from "./realtime/conversation-joins.ts";
import { Events } from "./realtime/events.ts";
import type { Session } from "./realtime/session.ts";
import { TopicChannel } from "./realtime/topic-channel.ts";
import { UserJoins, type UserJoinsOptions } from "./realtime/user-joins.ts";

/** The channel of a topic; undefined: there is none. */
export function channelsOf(
  options: ConversationJoinsOptions & UserJoinsOptions & { readonly services: Services; readonly gate: Gate },
): Routes<Session> {
  const channels = {
    conversation: new TopicChannel({
      joins: new ConversationJoins(options),
      events: new Events({ ...options, topic: "conversation" }),
    }),
    user: new TopicChannel({
      joins: new UserJoins(options),
      events: new Events({ ...options, topic: "user" }),
    }),
  };
  return (topic) => {
    const kind = kindOfTopic(topic);
    return kind === null ? undefined : channels[kind];
  };
}

/** The reply to a frame that may not come in now; undefined: it may. */
export function refusedFrame(
  gate: Gate,
  observer: Observer,
  session: Session,
  event: string,
): string | undefined {
  const refusal = gate.frame(session, event);
  if (!refusal) return undefined;
  observer.refused(refusal.code);
  return rejectionText(refusal);
}
