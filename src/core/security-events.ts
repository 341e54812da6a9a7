import type { Incident } from "./incident.ts";

const minuteMs = 60_000;
/** For each user, address or conversation; all of them together have twenty times as many. */
const perMinute = { lines: 5, pauseMs: minuteMs } as const;
/** A line for each, unless somebody repeats it on purpose. */
const each = { lines: 60, pauseMs: minuteMs } as const;

/**
 * The security log: for somebody who looks into an attack, or at who may do what. A part of the closed table of incidents:
 * its lines carry `"log":"security"`, are written whatever LOG_LEVEL is, and are counted in `whispr_security_events_total`. Ids, addresses and
 * reasons only: never a token, content, a name that people chose, or metadata.
 */
export const securityEvents = {
  address_limited: {
    level: "info",
    log: "security",
    means:
      "an address sent more tokens that no key of ours signed than LIMIT_HANDSHAKES_PER_MIN_PER_IP allows, and was answered 429; good tokens from there are still accepted",
    action:
      "if it goes on, block `address` in front of whispr-msg; a proxy of yours: name it in TRUSTED_PROXIES",
    by: "address",
    ...perMinute,
  },
  admin_command: {
    level: "info",
    log: "security",
    means: "somebody ran a command on this database",
    action: "nothing, if `os_user` was to: `command` says what they ran, `target` on what",
    lines: 1_000,
    pauseMs: minuteMs,
  },
  authentication_failed: {
    level: "info",
    log: "security",
    means: "a request or a socket came without a token that is accepted",
    action:
      "nothing for `the token has expired`; many others from one `address`: block it in front of whispr-msg",
    by: "address",
    ...perMinute,
  },
  block_applied: {
    level: "info",
    log: "security",
    means: "a user was shut out of a direct conversation by a block",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  block_lifted: {
    level: "info",
    log: "security",
    means: "a blocked user was let back into a direct conversation",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  group_owner_changed: {
    level: "info",
    log: "security",
    means: "a group has another owner: it was handed over, or inherited when the owner left",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  group_settings_changed: {
    level: "info",
    log: "security",
    means: "somebody changed who may do what in a group (`names`)",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  join_refused: {
    level: "info",
    log: "security",
    means: "a user asked for a topic that is not theirs, or of a conversation that they are no member of",
    action: "nothing, unless it goes on: clients join what they were removed from until they know it",
    by: "user_id",
    ...perMinute,
  },
  member_removed: {
    level: "info",
    log: "security",
    means: "a member was removed from a group by somebody else",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  member_role_changed: {
    level: "info",
    log: "security",
    means: "a member of a group got another role",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  message_deleted_by_moderator: {
    level: "info",
    log: "security",
    means: "somebody who moderates a group deleted the message of somebody else for everyone",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  privilege_refused: {
    level: "info",
    log: "security",
    means:
      "a member tried what their role, the settings of the group or a block does not allow (`forbidden`)",
    action: "nothing, unless it goes on: then look at `user_id`",
    by: "user_id",
    ...perMinute,
  },
  sessions_ended: {
    level: "info",
    log: "security",
    means: "sockets were closed with 4001 because their tokens expired",
    action: "nothing",
  },
  slow_reader_closed: {
    level: "info",
    log: "security",
    means: "a socket was closed because more waited for it than WHISPR_SEND_BUFFER; its client may resume",
    action: "nothing for slow networks; one `user_id` again and again: a client that does not read",
    by: "user_id",
    ...perMinute,
  },
  socket_flooded: {
    level: "warn",
    log: "security",
    means: "a client sent more than any client of ours does; its socket was closed and may come back",
    action:
      "see `user_id` and `reason`; if that client is yours, mend it, or raise LIMIT_CONNECTION_FRAMES_PER_MIN or LIMIT_USER_FRAMES_PER_MIN",
    by: "user_id",
    ...perMinute,
  },
} as const satisfies Readonly<Record<string, Incident>>;
