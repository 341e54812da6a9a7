import { type RefusalCode, type Rejection, reject } from "../core/rejection.ts";

/** The engine's own refusals, each made once. All but the last can be tried again a second later. */

const again = "Nothing was changed; send it again after retry_after_ms.";

export const overloaded = retriable("overloaded", `The server has too much under way. ${again}`);
export const mailboxFull = retriable("overloaded", `Too many commands wait for this conversation. ${again}`);
export const tooManyJoins = retriable("overloaded", "Too many joins wait. Join again after retry_after_ms.");
export const tooManyMarks = retriable(
  "overloaded",
  "Too many receipts wait. Send it again after retry_after_ms.",
);
export const tooManyReads = retriable(
  "rate_limited",
  "Too many of your requests are under way. Wait for their answers, or ask again after retry_after_ms.",
);
export const overloadedReads = retriable(
  "overloaded",
  "Too many requests wait on this server. Nothing was changed; ask again after retry_after_ms.",
);
export const stopping = retriable("unavailable", `This server is stopping. ${again}`);
export const tooLate = retriable("unavailable", `The store could not be reached in time. ${again}`);
export const unreachable = retriable(
  "unavailable",
  "The store cannot be reached at present. Ask again after retry_after_ms.",
);
export const tooSlow = retriable(
  "unavailable",
  "The store took too long to read this. Ask again after retry_after_ms.",
);
export const outcomeUnknown = retriable(
  "outcome_unknown",
  "It is not known whether this was stored. Send it again with the same client_random: it will not be stored twice.",
);
export const markUnknown = retriable(
  "outcome_unknown",
  "It is not known whether this receipt was stored. Send it again after retry_after_ms: a mark only moves forward.",
);
export const membersUnsettled = retriable(
  "unavailable",
  `The members of this conversation are being read again. ${again}`,
);
/** A bug of the server: another attempt does not help. */
export const undecidable = reject(
  "internal",
  "The server made a mistake with this command. Nothing was changed; report it with its time.",
);

function retriable(code: RefusalCode, message: string): Rejection {
  return reject(code, message, { retryAfterMs: 1_000 });
}
