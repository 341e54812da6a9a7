import { isUuid } from "../../core/ports/ids.ts";
import type { Delivery } from "../../engine/sync/delivery.ts";
import { kindOfTopic } from "../../operations/topics/topics.ts";
import type { TopicListener } from "../../phoenix/topics.ts";

type Hearing = Pick<Delivery, "conversationHeard" | "conversationUnheard" | "userHeard" | "userUnheard">;

/** Tells delivery which topics sockets are on, or are joining. A topic whose id is no UUID is skipped: its joins are refused. */
export function heardTopics(delivery: Hearing): TopicListener {
  return {
    heard(topic) {
      const id = idOf(topic);
      if (id === null) return;
      if (kindOfTopic(topic) === "conversation") delivery.conversationHeard(id);
      else delivery.userHeard(id);
    },
    unheard(topic) {
      const id = idOf(topic);
      if (id === null) return;
      if (kindOfTopic(topic) === "conversation") delivery.conversationUnheard(id);
      else delivery.userUnheard(id);
    },
  };
}

function idOf(topic: string): string | null {
  const id = topic.slice(topic.indexOf(":") + 1);
  return isUuid(id) ? id : null;
}
