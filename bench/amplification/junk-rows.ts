import { HttpConnection } from "./http-connection.ts";
import { junk } from "./inputs.ts";
import { operations } from "./operations.ts";
import type { Row } from "./row.ts";

/** A member who leaves is none any more. */
const withBodies = /^(POST|PUT|PATCH|DELETE) (?!.*(leave|accept|decline|readding)$)/;

/** Every operation that reads a payload, with everything that is dear to read and fits none. */
export function junkRows(): readonly Row[] {
  return [...operations.keys()].flatMap((operation) =>
    Object.entries(junk).flatMap(([input, payload]) => junkRow(operation, input, payload) ?? []),
  );
}

function junkRow(operation: string, input: string, payload: string): Row | null {
  const base = { operation, input: `refused: ${input}`, times: 3 };
  if (withBodies.test(operation)) return { ...base, act: requesting(operation, payload) };
  if (operation.startsWith("conversation: "))
    return { ...base, act: pushing(operation.slice(14), payload, false) };
  if (operation.startsWith("user: ")) return { ...base, act: pushing(operation.slice(6), payload, true) };
  return operation.startsWith("join of")
    ? { ...base, act: pushing("phx_join", payload, operation.endsWith("user")) }
    : null;
}

function requesting(operation: string, body: string): Row["act"] {
  const [method = "", path = ""] = operation.split(" ");
  return async ({ world, room }) => {
    const at = path
      .replace("/conversations/:id", `/conversations/${room.id}`)
      .replace("/messages/:id", `/messages/${room.target}`)
      .replace(":userId", room.member.userId)
      .replace(":reaction", "r");
    const query = path.startsWith("/messages/") ? `?conversation_id=${room.id}` : "";
    const connection = new HttpConnection(world.url);
    // The owner would leave, remove or delete: a member without a right asks.
    const { token } = room.member;
    const asked = await connection.request({ method, path: `/api/v1${at}${query}`, token, body });
    connection.close();
    return asked;
  };
}

function pushing(event: string, payload: string, isOwn: boolean): Row["act"] {
  return async ({ world, room }) => {
    const device = await world.scratch.reopened();
    const topic = isOwn ? `user:${world.owner.userId}` : room.topic;
    return device.text(`["1","5","${topic}","${event}",${payload}]`, null);
  };
}
