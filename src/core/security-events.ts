import type { Incident } from "./incident.ts";

const minuteMs = 60_000;
/** For each user, address or conversation; all of them together have twenty times as many lines. */
const perMinute = { lines: 5, pauseMs: minuteMs } as const;
/** A line for each event, unless a client repeats it on purpose. */
const each = { lines: 60, pauseMs: minuteMs } as const;

/**
 * The security log, for investigations of an attack or of permissions. A part of the closed table of incidents: its lines carry
 * `"log":"security"`, are written at every LOG_LEVEL, and are counted in `whispr_security_events_total`. They hold ids, addresses and reasons
 * only: never a token, content, a name that users chose, or metadata.
 */
export const securityEvents = {
  address_limited: {
    level: "info",
    log: "security",
    means:
      "an address sent more tokens with a bad signature than LIMIT_HANDSHAKES_PER_MIN_PER_IP allows, and got 429; good tokens from there are still accepted",
    action:
      "if it continues, block `address` in front of whispr-msg; if it is your proxy, name it in TRUSTED_PROXIES",
    by: "address",
    ...perMinute,
  },
  admin_command: {
    level: "info",
    log: "security",
    means: "a command was run on this database",
    action: "nothing, if `os_user` should run it: `command` is the command, `target` its object",
    lines: 1_000,
    pauseMs: minuteMs,
  },
  authentication_failed: {
    level: "info",
    log: "security",
    means: "a request or a handshake had no token that is accepted",
    action:
      "nothing for `the token has expired`; if one `address` sends many others, block it in front of whispr-msg",
    by: "address",
    ...perMinute,
  },
  block_applied: {
    level: "info",
    log: "security",
    means: "a block hid a direct conversation from the blocked user",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  block_lifted: {
    level: "info",
    log: "security",
    means: "an unblocked user is back in a direct conversation",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  group_owner_changed: {
    level: "info",
    log: "security",
    means: "a group has a new owner: it was handed over, or the owner left",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  group_settings_changed: {
    level: "info",
    log: "security",
    means: "the settings of a group were changed (`names`)",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  join_refused: {
    level: "info",
    log: "security",
    means:
      "a user tried to join the topic of another user, or of a conversation that they are not a member of",
    action:
      "nothing, unless it continues: clients try to join a conversation again until they learn that they were removed",
    by: "user_id",
    ...perMinute,
  },
  member_removed: {
    level: "info",
    log: "security",
    means: "a member removed another member from a group",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  member_role_changed: {
    level: "info",
    log: "security",
    means: "the role of a member of a group was changed",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  message_deleted_by_moderator: {
    level: "info",
    log: "security",
    means: "a moderator deleted a message of another user for everyone",
    action: "nothing",
    by: "conversation_id",
    ...each,
  },
  privilege_refused: {
    level: "info",
    log: "security",
    means:
      "a member tried an operation that their role, the settings of the group or a block does not allow (`forbidden`)",
    action: "nothing, unless it continues: then examine `user_id`",
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
    means:
      "a socket was closed because more bytes waited for it than WHISPR_SEND_BUFFER; its client may resume",
    action: "nothing for slow networks; if it is always the same `user_id`, their client does not read",
    by: "user_id",
    ...perMinute,
  },
  socket_flooded: {
    level: "warn",
    log: "security",
    means: "a client sent too many frames; its socket was closed with 1013, and it may reconnect",
    action:
      "see `user_id` and `reason`; if it is your client, correct it, or raise LIMIT_CONNECTION_FRAMES_PER_MIN or LIMIT_USER_FRAMES_PER_MIN",
    by: "user_id",
    ...perMinute,
  },
} as const satisfies Readonly<Record<string, Incident>>;
