import { controlCharacters, fatMessage, largeMetadata, manyValues } from "./inputs.ts";
import { get, newTarget, page, post, send, several } from "./requests.ts";
import type { Row } from "./row.ts";

/** Every route at its worst allowed input. */
export const restRows: readonly Row[] = [
  page("GET /conversations", "100 groups of 1,000, each with 16 kB and a long message", (run) =>
    get(run, "/conversations?limit=100", run.world.collector),
  ),
  page("GET /conversations", "the last page of 500", (run) =>
    get(run, "/conversations?limit=100&offset=400", run.world.collector),
  ),
  {
    operation: "POST /conversations",
    input: "a direct conversation that exists, whose last message is long",
    act: ({ world }) =>
      post(world, world.owner, "/conversations", `{"type":"direct","other_user_id":"${world.peer.userId}"}`),
  },
  {
    operation: "POST /conversations",
    input: "a group of 1,000 with 16 kB of metadata",
    people: 999,
    act: ({ world }) => {
      const user_ids = Array.from({ length: 999 }, () => crypto.randomUUID());
      const body = JSON.stringify({ type: "group", name: "g", user_ids, metadata: largeMetadata() });
      return post(world, world.owner, "/conversations", body);
    },
  },
  page("GET /conversations/:id", "1,000 members, the last message is long", (run) =>
    get(run, `/conversations/${run.room.id}`),
  ),
  {
    operation: "PUT /conversations/:id",
    input: "a name, where there are 16 kB of metadata",
    isHeard: true,
    act: ({ world, room }, index) =>
      send(world, world.owner, "PUT", `/conversations/${room.id}`, `{"name":"n${index}"}`),
  },
  {
    operation: "PUT /conversations/:id",
    input: "1,300 names of metadata",
    prepare: ({ world }) =>
      world.group(
        world.owner,
        Array.from({ length: 900 }, () => crypto.randomUUID()),
        {},
      ),
    act: ({ world, prepared }, index) => {
      const metadata = { ...manyValues(), index };
      return send(world, world.owner, "PUT", `/conversations/${prepared}`, JSON.stringify({ metadata }));
    },
  },
  page("GET /conversations/:id/members", "1,000 members", (run) =>
    get(run, `/conversations/${run.room.id}/members`),
  ),
  page("GET /conversations/:id/messages", "100 messages of 65,536 × U+0001", (run) =>
    get(run, `/conversations/${run.world.heavy}/messages?limit=100`),
  ),
  page("GET /conversations/:id/changes", "500 of the same", (run) =>
    get(run, `/conversations/${run.world.heavy}/changes?since=0&limit=500`),
  ),
  {
    operation: "POST /conversations/:id/messages",
    input: "another content under the key of a long message",
    act: ({ world }) =>
      post(
        world,
        world.owner,
        `/conversations/${world.heavy}/messages`,
        `{"content":"x","client_random":${world.heavyKey}}`,
      ),
  },
  {
    operation: "POST /conversations/:id/messages",
    input: "as much as allowed",
    act: ({ world }) =>
      post(world, world.owner, `/conversations/${world.heavy}/messages`, JSON.stringify(fatMessage())),
  },
  {
    operation: "POST /messages",
    input: "one character, 1,000 hear it",
    isHeard: true,
    act: ({ world, room }) =>
      post(world, world.owner, "/messages", `{"conversation_id":"${room.id}","content":"x"}`),
  },
  {
    operation: "PUT /messages/:id",
    input: "one character, where there are 16 kB of metadata, 10 attachments and 1,000 reactions",
    isHeard: true,
    act: ({ world, room }, index) =>
      send(
        world,
        world.owner,
        "PUT",
        `/messages/${room.target}?conversation_id=${room.id}`,
        `{"content":"${index}"}`,
      ),
  },
  {
    operation: "PUT /messages/:id",
    input: "65,536 × U+0001",
    act: ({ world, room }, index) =>
      send(
        world,
        world.owner,
        "PUT",
        `/messages/${room.target}?conversation_id=${room.id}`,
        JSON.stringify({ content: controlCharacters().slice(10) + index }),
      ),
  },
  {
    operation: "DELETE /messages/:id",
    input: "a message as large as allowed",
    isHeard: true,
    times: 5,
    prepare: (run) => several(run.times, () => newTarget(run)),
    act: ({ world, room, prepared }, index) =>
      send(
        world,
        world.owner,
        "DELETE",
        `/messages/${(prepared as string[])[index]}?conversation_id=${room.id}&delete_for_everyone=true`,
      ),
  },
  page("GET /messages/:id/reactions", "1,000 reactions of a large message", (run) =>
    get(run, `/messages/${run.room.target}/reactions`),
  ),
  {
    operation: "POST /messages/:id/reactions",
    input: "to a message as large as allowed, without its conversation",
    isHeard: true,
    prepare: newTarget,
    act: ({ world, prepared }, index) =>
      post(world, world.owner, `/messages/${prepared}/reactions`, `{"reaction":"r${index}"}`),
  },
  {
    operation: "DELETE /messages/:id/reactions/:reaction",
    input: "to a message as large as allowed, without its conversation",
    isHeard: true,
    prepare: async (run) => {
      const messageId = await newTarget(run);
      for (let index = 0; index < run.times; index++)
        await run.world
          .client(run.world.owner)
          .call("POST", `/messages/${messageId}/reactions`, { reaction: `r${index}` });
      return messageId;
    },
    act: ({ world, prepared }, index) =>
      send(world, world.owner, "DELETE", `/messages/${prepared}/reactions/r${index}`),
  },
  page("GET /messages/:id", "a message of 65,536 × U+0001, with 10 attachments and 1,000 reactions", (run) =>
    get(run, `/messages/${run.room.target}`),
  ),
  page("GET /messages/:id/attachments", "10 attachments of a large message", (run) =>
    get(run, `/messages/${run.room.target}/attachments`),
  ),
  {
    operation: "POST /messages/:id/attachments",
    input: "the smallest, to a message of 65,536 × U+0001",
    isHeard: true,
    prepare: ({ world, room }) =>
      world
        .send(world.owner, room.id, {
          message_type: "media",
          content: room === world.quiet ? controlCharacters() : "x",
        })
        .then(({ id }) => id),
    act: ({ world, prepared }, index) =>
      post(
        world,
        world.owner,
        `/messages/${prepared}/attachments`,
        `{"media_id":"${index}","media_type":"image"}`,
      ),
  },
  {
    operation: "POST /messages/:id/unread",
    input: "a message as large as allowed",
    act: ({ world, room }) =>
      send(world, room.member, "POST", `/messages/${room.target}/unread?conversation_id=${room.id}`),
  },
  page("GET /messages/:id/delivery-status", "1,000 members", (run) =>
    get(run, `/messages/${run.room.target}/delivery-status?conversation_id=${run.room.id}`),
  ),
  {
    operation: "PATCH /messages/:id/receipt",
    input: "of a message that 1,000 hear of",
    isHeard: true,
    times: 5,
    prepare: ({ world, room, times }) =>
      several(times, async () => (await world.send(world.owner, room.id, { content: "x" })).id),
    act: ({ world, room, prepared }, index) =>
      send(
        world,
        room.member,
        "PATCH",
        `/messages/${(prepared as string[])[index]}/receipt`,
        `{"status":"read"}`,
      ),
  },
];
