import { controlCharacters, fatMessage, manyValues } from "./inputs.ts";
import { newTarget, several } from "./requests.ts";
import type { Row, Run } from "./row.ts";

/** Every event of the channels at its worst allowed input. */
export const eventRows: readonly Row[] = [
  event("new_message", "one character", () => `{"content":"x"}`),
  event("send_message", "one character", () => `{"content":"x"}`),
  {
    ...event(
      "new_message",
      "an answer to a message of 1 kB",
      ({ prepared }) => `{"content":"x","reply_to_id":"${prepared}"}`,
    ),
    prepare: ({ world, room }) =>
      world.send(world.owner, room.id, { content: "\u0001".repeat(1_024) }).then(({ id }) => id),
  },
  {
    ...event(
      "new_message",
      "another content under the key of a message as large as allowed",
      () => `{"content":"x","client_random":77}`,
    ),
    isHeard: false,
    prepare: ({ world, room }) => world.send(world.owner, room.id, { ...fatMessage(), client_random: 77 }),
  },
  { ...event("new_message", "as much as allowed", () => JSON.stringify(fatMessage())), isHeard: false },
  {
    ...event("new_message", "metadata of 1,300 values", () =>
      JSON.stringify({ content: "x", metadata: manyValues() }),
    ),
    isHeard: false,
  },
  event(
    "edit_message",
    "one character, where there are 16 kB of metadata, 10 attachments and 1,000 reactions",
    ({ room }, index) => `{"message_id":"${room.target}","content":"${index}"}`,
  ),
  {
    ...event("edit_message", "65,536 × U+0001", ({ room }, index) =>
      JSON.stringify({ message_id: room.target, content: controlCharacters().slice(10) + index }),
    ),
    isHeard: false,
  },
  {
    ...event("delete_message", "a message as large as allowed", ({ prepared }, index) =>
      idIn(prepared, index),
    ),
    times: 5,
    prepare: (run) => several(run.times, () => newTarget(run)),
  },
  {
    ...event(
      "add_reaction",
      "to a message as large as allowed",
      ({ prepared }, index) => `{"message_id":"${prepared}","reaction":"r${index}"}`,
    ),
    prepare: newTarget,
  },
  {
    ...event(
      "remove_reaction",
      "of a message as large as allowed",
      ({ prepared }, index) => `{"message_id":"${prepared}","reaction":"r${index}"}`,
    ),
    prepare: async (run) => {
      const messageId = await newTarget(run);
      for (let index = 0; index < run.times; index++)
        await run.room.asker.push(
          run.room.topic,
          "add_reaction",
          `{"message_id":"${messageId}","reaction":"r${index}"}`,
        );
      return messageId;
    },
  },
  event(
    "update_conversation",
    "a name, where there are 16 kB of metadata",
    (_run, index) => `{"name":"n${index}"}`,
  ),
  event("user_typing", "on and off", (_run, index) => `{"typing":${index % 2 === 0}}`),
  event("typing_start", "on", () => "{}"),
  event("typing_stop", "off", () => "{}"),
  ...["message_read", "mark_read", "message_delivered"].map((name) =>
    mark("conversation", name, "of a message that 1,000 hear of"),
  ),
  {
    operation: "conversation: mark_unread",
    input: "the first message",
    act: ({ world, room }) =>
      world.memberOf(room).push(room.topic, "mark_unread", `{"message_id":"${room.target}"}`),
  },
  ...["message_read", "message_delivered"].map((name) =>
    mark("user", name, "of a message that 1,000 hear of"),
  ),
  {
    operation: "user: mark_conversation_read",
    input: "1,000 unread messages of one author, who hears of each",
    paidBy: "each message once, by its author",
    times: 3,
    prepare: ({ world, times }) => several(times, () => world.unread(1_000)),
    act: ({ world, prepared }, index) =>
      world.ownerDevice.push(
        `user:${world.owner.userId}`,
        "mark_conversation_read",
        `{"conversation_id":"${(prepared as string[])[index]}"}`,
      ),
    hears: ({ world }) => world.peerDevice,
  },
  {
    operation: "user: update_status",
    input: "of a member of a group of 1,000",
    isHeard: true,
    act: ({ world, room }, index) =>
      world.memberOf(room).push(`user:${room.member.userId}`, "update_status", statusOf(index)),
  },
  {
    operation: "user: update_status",
    input: "of a user with 500 conversations",
    act: ({ world }, index) =>
      world.collecting.push(`user:${world.collector.userId}`, "update_status", statusOf(index)),
  },
];

/** Of the owner, on the topic of the room. */
function event(name: string, input: string, payload: (run: Run, index: number) => string): Row {
  return {
    operation: `conversation: ${name}`,
    input,
    isHeard: true,
    act: (run, index) => run.room.asker.push(run.room.topic, name, payload(run, index)),
  };
}

function mark(topic: "conversation" | "user", name: string, input: string): Row {
  return {
    operation: `${topic}: ${name}`,
    input,
    isHeard: true,
    times: 5,
    prepare: ({ world, room, times }) =>
      several(times, async () => (await world.send(world.owner, room.id, { content: "x" })).seq),
    act: ({ world, room, prepared }, index) => {
      const seq = (prepared as number[])[index];
      const device = world.memberOf(room);
      if (topic === "conversation") return device.push(room.topic, name, `{"seq":${seq}}`);
      return device.push(`user:${room.member.userId}`, name, `{"conversation_id":"${room.id}","seq":${seq}}`);
    },
  };
}

function statusOf(index: number): string {
  return `{"status":"${index % 2 ? "away" : "busy"}"}`;
}

function idIn(prepared: unknown, index: number): string {
  return `{"message_id":"${(prepared as string[])[index]}"}`;
}
