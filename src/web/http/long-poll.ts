import { jsonResponse } from "./json-response.ts";

/** The paths at which the stock client polls after it has fallen back from WebSocket (`longPollFallbackMs`). */
export const longPollPaths: ReadonlySet<string> = new Set(["/socket/longpoll", "/messaging/socket/longpoll"]);

/**
 * Says that there is no long polling, so that phoenix.js understands it. It looks at the body's `status` alone (`longpoll.js`, `poll`): 403
 * ends the attempt and tries again later; 410 would open a session that does not exist, and no `status` makes it throw.
 */
export function noLongPolling(): Response {
  return jsonResponse(
    404,
    JSON.stringify({
      status: 403,
      error: "not_found",
      message: "There is no long polling here. Connect by WebSocket, and leave longPollFallbackMs unset.",
    }),
  );
}
