import type { SendMessage } from "./messages/send.ts";

/** Whatever changes a conversation. REST, WebSocket, gRPC and the schedulers only build these. */
export type Command = SendMessage;
