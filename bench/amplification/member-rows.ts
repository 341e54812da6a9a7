import { addedMembers, post, send, several } from "./requests.ts";
import type { Row } from "./row.ts";
import type { Someone } from "./world.ts";

/** Who is in a conversation, at its worst allowed input. */
export const memberRows: readonly Row[] = [
  {
    operation: "POST /conversations/:id/members",
    input: "one user into a group of 1,000",
    people: 1,
    isHeard: true,
    act: ({ world, room }) =>
      post(world, world.owner, `/conversations/${room.id}/members`, `{"user_id":"${crypto.randomUUID()}"}`),
  },
  {
    operation: "POST /conversations/:id/members",
    input: "998 users at once",
    people: 998,
    times: 5,
    prepare: ({ world, times }) => several(times, () => world.group(world.owner, [crypto.randomUUID()], {})),
    act: ({ world, prepared }, index) => {
      const user_ids = Array.from({ length: 998 }, () => crypto.randomUUID());
      const path = `/conversations/${(prepared as string[])[index]}/members`;
      return post(world, world.owner, path, JSON.stringify({ user_ids }));
    },
  },
  {
    operation: "DELETE /conversations/:id/members/:userId",
    input: "one of 1,000",
    isHeard: true,
    prepare: addedMembers,
    act: ({ world, room, prepared }, index) =>
      send(
        world,
        world.owner,
        "DELETE",
        `/conversations/${room.id}/members/${(prepared as Someone[])[index]!.userId}`,
      ),
  },
  {
    operation: "PATCH /conversations/:id/members/:userId/role",
    input: "one of 1,000",
    isHeard: true,
    act: ({ world, room }, index) => {
      const path = `/conversations/${room.id}/members/${room.member.userId}/role`;
      return send(world, world.owner, "PATCH", path, `{"role":"${index % 2 ? "member" : "admin"}"}`);
    },
  },
  {
    operation: "POST /conversations/:id/leave",
    input: "one of 1,000",
    isHeard: true,
    prepare: addedMembers,
    act: ({ world, room, prepared }, index) =>
      send(world, (prepared as Someone[])[index]!, "POST", `/conversations/${room.id}/leave`),
  },
  {
    operation: "POST /conversations/:id/allow-readding",
    input: "of a group of 1,000",
    prepare: async (run) => {
      const left = await addedMembers(run);
      for (const one of left) await run.world.client(one).call("POST", `/conversations/${run.room.id}/leave`);
      return left;
    },
    act: ({ world, room, prepared }, index) =>
      send(world, (prepared as Someone[])[index]!, "POST", `/conversations/${room.id}/allow-readding`),
  },
  ...["accept", "decline"].map(
    (answer): Row => ({
      operation: `POST /conversations/:id/${answer}`,
      input: "one of 1,000",
      isHeard: true,
      prepare: addedMembers,
      act: ({ world, room, prepared }, index) =>
        send(world, (prepared as Someone[])[index]!, "POST", `/conversations/${room.id}/${answer}`),
    }),
  ),
];
