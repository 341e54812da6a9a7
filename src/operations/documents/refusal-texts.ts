import type { RefusalCode } from "../../core/rejection.ts";

interface RefusalText {
  readonly means: string;
  /** What a client does. */
  readonly action: string;
  /** The message of an example. */
  readonly example: string;
}

/** Every code of the closed table, for people. */
export const refusalTexts: Readonly<Record<RefusalCode, RefusalText>> = {
  invalid_payload: {
    means: "The request is malformed: a field, a parameter, a header or the JSON text itself.",
    action: "Mend the request. `details` names each field with what is allowed.",
    example: "content must be a string.",
  },
  invalid_status: {
    means: "There is no such status.",
    action: "Send one of those that `details.status` names.",
    example: "status must be one of online, away, busy, offline.",
  },
  unauthorized: {
    means: "The token is missing, expired, revoked or not good here; or the topic belongs to another user.",
    action: "Get a new token. On a socket: open a new one with it.",
    example: "A bearer token is needed.",
  },
  forbidden: {
    means: "You see what this is about, and may not do this with it.",
    action: "Do not send it again. Offer it only to those who may: `docs/authorization.md`.",
    example: "Only owners and admins of the group can do this.",
  },
  not_found: {
    means: "It does not exist, or you are not to know that it does. Both look the same, on purpose.",
    action: "Do not send it again. Remove it from what you show.",
    example: "There is no such conversation, or you are not a member of it.",
  },
  not_authorized: {
    means: "The topic of a conversation was joined that does not exist, or that you are not a member of.",
    action: "Leave the topic and do not join it again.",
    example: "There is no such conversation, or you are not a member of it.",
  },
  unknown_event: {
    means: "Nothing answers to this event on this topic.",
    action: "Send one of the events that `message` names.",
    example: "Nothing answers to this event here. Events: new_message, edit_message.",
  },
  conflict: {
    means: "It cannot be done in the present state, such as an edit of a deleted message.",
    action: "Read the present state, then decide. Sending the same again does not help.",
    example: "The time to edit this message is over.",
  },
  cursor_expired: {
    means:
      "What changed since this revision is not known any more, or belongs to another history of the database.",
    action: "Read the conversation and its messages afresh, and keep the new cursor and generation.",
    example:
      "The changes since this revision are not known any more. Read the conversation and its history afresh.",
  },
  payload_too_large: {
    means:
      "The body or frame is larger than allowed, or would be pushed to more devices than your budget ever allows.",
    action: "Send less: put large content elsewhere and refer to it.",
    example: "The body must be at most 524288 bytes.",
  },
  method_not_allowed: {
    means: "The path does not answer to this method.",
    action: "Use a method of the `allow` header.",
    example: "This path does not answer to this method; see the allow header.",
  },
  rate_limited: {
    means:
      "A budget is used up: `message` names what was counted and how much is allowed. Nothing was changed.",
    action: "Send it again after `retry_after_ms`. The budgets: `docs/limits.md`.",
    example: "Too many messages of this user: 100 per minute are allowed, 200 at once.",
  },
  overloaded: {
    means: "The server has too much to do. Nothing was changed.",
    action: "Send it again after `retry_after_ms`, with the same `client_random`.",
    example: "The server has too much under way. Nothing was changed; send it again after retry_after_ms.",
  },
  unavailable: {
    means: "The database or the keys cannot be reached, or this server is stopping. Nothing was changed.",
    action: "Send it again after `retry_after_ms`, with the same `client_random`.",
    example: "The store cannot be reached at present. Ask again after retry_after_ms.",
  },
  timeout: {
    means: "The body was not complete in time. Nothing was changed.",
    action: "Send it again after `retry_after_ms`.",
    example: "The body was not complete within 60 s. Nothing was changed; send it again.",
  },
  outcome_unknown: {
    means: "It was perhaps stored and perhaps not: the connection to the database broke while it was.",
    action: "Send it again after `retry_after_ms`, with the same `client_random`: it is stored once.",
    example:
      "It is not known whether this was stored. Send it again with the same client_random: it will not be stored twice.",
  },
  internal: {
    means: "A bug of the server.",
    action: "Do not send it again. Report `details.request_id`, by which the log of the server knows it.",
    example: "The server made a mistake. The details are in its log under this request id.",
  },
};
