import { type Costs, costs } from "../core/limits/costs.ts";
import { operations } from "./list.ts";
import { topicOperations } from "./topics/topic-operations.ts";

/** Joins of all topics cost alike, so the event says it. */
const byEvent: ReadonlyMap<string, Costs> = new Map<string, Costs>([
  ...topicOperations.map((each) => [each.event, each.costs] as const),
  ...operations.flatMap(({ channel, costs }) =>
    channel.flatMap(({ events }) => events.map((event) => [event, costs] as const)),
  ),
]);

/** Returns the costs of a frame with this event. Unknown events are counted, too. */
export function costsOfEvent(event: string): Costs {
  return byEvent.get(event) ?? costs.ownChange;
}
