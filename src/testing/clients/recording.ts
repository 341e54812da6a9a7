import { Socket } from "phoenix";
import { eventually } from "../eventually.ts";

export interface Recorded {
  /** Text frames in the order in which they were sent. */
  readonly frames: readonly string[];
  readonly binary: readonly Uint8Array[];
  /** Of a message that was sent. */
  readonly messageId: string;
}

/** What the unmodified npm `phoenix` client writes when it joins both topics, sends, answers, reacts, sends bytes, beats its heart and leaves. */
export async function recordStockClient(options: {
  readonly url: string;
  readonly token: string;
  readonly userId: string;
  readonly conversationId: string;
}): Promise<Recorded> {
  const frames: string[] = [];
  const binary: Uint8Array[] = [];
  class RecordingWebSocket extends WebSocket {
    override send(data: string | ArrayBuffer): void {
      if (typeof data === "string") frames.push(data);
      else binary.push(new Uint8Array(data.slice(0)));
      super.send(data);
    }
  }
  const socket = new Socket(`${options.url.replace("http", "ws")}/socket`, {
    params: { token: options.token },
    transport: RecordingWebSocket,
    // One that is not answered in its interval ends the socket: on a busy machine a short one never gets through.
    timeout: 60_000,
  });
  socket.connect();
  const conversation = socket.channel(`conversation:${options.conversationId}`, {});
  const user = socket.channel(`user:${options.userId}`, {});
  await Promise.all([answered(conversation.join()), answered(user.join())]);
  const { message } = await answered(conversation.push("new_message", { content: "plain" }));
  const messageId = message!.id;
  await answered(conversation.push("new_message", fullMessage));
  await answered(conversation.push("send_message", { content: "é 👋", client_random: "4294967295" }));
  const attachments = [{ media_id: "m1", media_type: "image", metadata: { size: 1 } }];
  const reply = { content: "", message_type: "media", reply_to_id: messageId, attachments };
  await answered(conversation.push("new_message", reply));
  const reaction = { message_id: messageId, reaction: "👍" };
  await answered(conversation.push("add_reaction", reaction));
  await answered(conversation.push("remove_reaction", reaction));
  await answered(conversation.push("new_message", new TextEncoder().encode("bytes").buffer));
  (socket as unknown as { sendHeartbeat(): void }).sendHeartbeat();
  await eventually("a heartbeat", () => frames.some((frame) => frame.includes('"heartbeat"')));
  await Promise.all([answered(conversation.leave()), answered(user.leave())]);
  socket.disconnect();
  return { frames, binary, messageId };
}

const fullMessage = {
  content: "with everything",
  message_type: "text",
  client_random: 7,
  metadata: { client_message_id: "0190a8a4-0000-7000-8000-000000000001", list: [1, { deep: [true, null] }] },
};

interface Answer {
  readonly message?: { readonly id: string };
}

function answered(push: {
  receive(status: string, heard: (answer: Answer) => void): unknown;
}): Promise<Answer> {
  return new Promise((resolve, fail) => {
    for (const status of ["ok", "error"]) push.receive(status, resolve);
    push.receive("timeout", () => fail(new Error("a push of the stock client was not answered")));
  });
}
