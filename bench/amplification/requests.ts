import type { Exchange } from "./http-connection.ts";
import { fatMessage } from "./inputs.ts";
import type { Row, Run } from "./row.ts";
import type { Someone, World } from "./world.ts";

/** An operation that answers with a page. */
export function page(operation: string, input: string, act: (run: Run) => Promise<Exchange>): Row {
  return { operation, input, isPage: true, act };
}

export function get({ world }: Run, path: string, asker: Someone = world.owner): Promise<Exchange> {
  return send(world, asker, "GET", path);
}

export function post(world: World, one: Someone, path: string, body: string): Promise<Exchange> {
  return send(world, one, "POST", path, body);
}

export function send(
  { http }: World,
  { token }: Someone,
  method: string,
  path: string,
  body?: string,
): Promise<Exchange> {
  return http.request({ method, path: `/api/v1${path}`, token, ...(body === undefined ? {} : { body }) });
}

/** One after the other. */
export async function several<T>(times: number, make: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  while (made.length < times) made.push(await make());
  return made;
}

/** A new message of the owner: as large as allowed in the quiet room, small in the hall. */
export async function newTarget({ world, room }: Run): Promise<string> {
  const body = room === world.quiet ? fatMessage() : { content: "x" };
  const { id } = await world.send(world.owner, room.id, body);
  return id;
}

export async function addedMembers({ world, room, times }: Run): Promise<readonly Someone[]> {
  const added = await Promise.all(Array.from({ length: times }, () => world.someone()));
  const user_ids = added.map(({ userId }) => userId);
  await world.client(world.owner).call("POST", `/conversations/${room.id}/members`, { user_ids });
  return added;
}
