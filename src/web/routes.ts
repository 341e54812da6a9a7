import type { Observer } from "../core/ports/observer.ts";
import type { Visibility } from "../core/presence/visibility.ts";
import type { Delivery } from "../engine/sync/delivery.ts";
import type { Routes } from "../phoenix/channel.ts";
import { conversationEvents } from "./channels/conversation-events.ts";
import { userEvents } from "./channels/user-events.ts";
import { apiRoutes } from "./controllers/routes.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import type { Gate } from "./gate.ts";
import type { Authentication } from "./http/authentication.ts";
import { rejectionText } from "./http/rejections.ts";
import type { RequestMeter } from "./http/request-meter.ts";
import { restApi } from "./http/rest.ts";
import type { SlowClients } from "./http/slow-clients.ts";
import { ConversationJoins } from "./realtime/conversation-joins.ts";
import type { MessageTexts } from "./realtime/message-texts.ts";
import type { Presences } from "./realtime/presences.ts";
import type { UserSubscriptions } from "./realtime/receivers.ts";
import type { Session } from "./realtime/session.ts";
import { TopicChannel } from "./realtime/topic-channel.ts";
import { conversationTopic, userTopic } from "./realtime/topics.ts";
import type { Typing } from "./realtime/typing.ts";
import { UserJoins } from "./realtime/user-joins.ts";

/** The channel of a topic; undefined: there is none. */
export function channelsOf(
  options: EndpointOptions,
  own: {
    readonly gate: Gate;
    readonly texts: MessageTexts;
    readonly subscriptions: UserSubscriptions;
    readonly delivery: Delivery;
    readonly typing: Typing;
    readonly presences: Presences;
  },
): Routes<Session> {
  const all = { ...options, ...own, limits: options.settings.payloads };
  const conversation = new TopicChannel({
    joins: new ConversationJoins(all),
    events: conversationEvents(all),
  });
  const user = new TopicChannel({ joins: new UserJoins(all), events: userEvents(all) });
  return (topic) => {
    if (topic.startsWith(conversationTopic)) return conversation;
    return topic.startsWith(userTopic) ? user : undefined;
  };
}

/** The REST API as one fetch function. */
export function restOf(
  options: EndpointOptions,
  own: {
    readonly gate: Gate;
    readonly authentication: Authentication;
    readonly texts: MessageTexts;
    readonly visibility: Visibility;
    readonly meter: RequestMeter;
    readonly addressOf: (request: Request) => string;
    readonly slow: SlowClients;
  },
) {
  const routes = apiRoutes({ ...options, ...own, limits: options.settings.payloads });
  return restApi({ ...options, ...own, routes });
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
