import type { Limits, Rate } from "./core/ports/limiter.ts";
import type { Values } from "./settings.ts";

/**
 * Returns the sizes of all budgets (`core/limits/budgets.ts`). A burst is what one user causes at once: opening a long conversation marks
 * each of its messages, and a list joins everything that it shows.
 */
export function limitsOf(values: Values): Limits {
  const { connectionOpsPerMin: ops, connectionJoinsPerMin: joins } = values;
  return {
    ...userLimitsOf(values),
    ...pushLimitsOf(values),
    conversation_messages: { perMinute: values.conversationMessagesPerMin, burst: 10 },
    connection_operations: allAtOnce(ops),
    connection_typing: allAtOnce(ops),
    connection_reads: allAtOnce(5 * ops),
    connection_joins: allAtOnce(joins),
    user_frames: framesOf(values.userFramesPerMin ?? framesFor(values, 60_000)),
    user_handshakes: allAtOnce(values.userHandshakesPerMin ?? (values.addressHandshakesPerMin && 120)),
    address_failures: allAtOnce(values.addressHandshakesPerMin),
    process_handshakes: {
      perMinute: 60 * values.handshakesPerSec,
      burst: atLeastOne(values.handshakesPerSec),
    },
  };
}

/** Allows a third at once: an offline queue of 200 messages of the largest size fits, and the 20 most expensive frames delay others by 0.2 s. */
function framesOf(perMinute: number): Rate {
  return { perMinute, burst: atLeastOne(Math.ceil(perMinute / 3)) };
}

/** Messages come in frames, so a higher limit of messages allows their frames too. */
export function framesFor({ userMessagesPerMin }: Values, atLeast: number): number {
  return userMessagesPerMin && Math.max(atLeast, 10 * userMessagesPerMin);
}

/** Turns a limit off together with the one that it refines, unless it is set itself: a benchmark that turns one off must not meet the other. */
function userLimitsOf(values: Values) {
  const { connectionOpsPerMin: ops, connectionJoinsPerMin: joins, userMessagesPerMin: messages } = values;
  const userOps = values.userOpsPerMin ?? (ops && 1_000);
  const added = values.userMembersAddedPerMin ?? (messages && 500);
  const pairs = values.pairMembershipsPerHour ?? (messages && 30);
  return {
    user_messages: { perMinute: messages, burst: values.userMessagesBurst },
    user_operations: allAtOnce(userOps),
    user_typing: allAtOnce(userOps && 2 * ops),
    user_marks: allAtOnce(5 * userOps),
    user_reads: allAtOnce(values.userReadKbPerMin ?? (ops && 120_000)),
    user_backlog: allAtOnce(values.userReadKbPerMin ?? (ops && 120_000)),
    user_joins: allAtOnce(values.userJoinsPerMin ?? (joins && 20_000)),
    user_members_added: { perMinute: added, burst: atLeastOne(4 * added) },
    pair_memberships: { perMinute: pairs / 60, burst: atLeastOne(pairs) },
  };
}

/**
 * `user_pushed`: 45 MB a minute are 60 % of a line of 10 Mbit/s, and the burst fits into the send buffer of a socket, so one user cannot
 * cause sockets of others to be closed. Both grow with the allowed messages.
 */
function pushLimitsOf(values: Values) {
  const { userMessagesPerMin: messages, userMessagesBurst, sendBufferBytes } = values;
  const perMessage = messages && Math.max(1, messages / 100);
  const pushed = 1_000 * (values.userPushedKbPerMin ?? 45_000 * perMessage);
  const delivered = 1_000_000 * (values.userDeliveredMbPerMin ?? 256 * perMessage);
  return {
    user_pushed: {
      perMinute: pushed,
      burst: 0.8 * Math.max(1 << 20, sendBufferBytes) * Math.max(1, userMessagesBurst / 200),
    },
    user_delivered: allAtOnce(delivered),
  };
}

/** Allows the amount of a minute at once. */
function allAtOnce(perMinute: number): Rate {
  return { perMinute, burst: atLeastOne(perMinute) };
}

function atLeastOne(burst: number): number {
  return Math.max(1, burst);
}
