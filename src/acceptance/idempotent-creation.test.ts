import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/** Creating a group again under the same key, as after a lost answer. On a whole server. */

let server: InProcess;
beforeAll(async () => {
  server = await startInProcess();
}, 120_000);
afterAll(async () => {
  expect(server.complaints).toEqual([]);
  await server[Symbol.asyncDispose]();
}, 120_000);

interface Created {
  readonly status: number;
  readonly error?: string;
  readonly data?: { readonly id: string; readonly name: string; readonly member_user_ids: string[] };
  readonly meta?: { readonly duplicate?: boolean; readonly differs?: boolean };
}

interface Creator {
  readonly id: string;
  readonly device?: string;
}

async function ask(
  creator: Creator,
  method: string,
  path: string,
  body?: object,
  key?: string,
): Promise<Created> {
  const claims = creator.device === undefined ? {} : { deviceId: creator.device };
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await server.token(creator.id, claims)}`,
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as object;
  return { status: response.status, ...answer };
}

const create = (creator: Creator, body: object, key?: string) =>
  ask(creator, "POST", "/conversations", { type: "group", name: "friends", ...body }, key);

describe("a group that is created again under the same key", () => {
  test("is one group, also when many ask at once: one is answered 201, the others 200 as duplicates", async () => {
    const anna = { id: newId(), device: "phone" };
    const body = { user_ids: [newId(), newId()], client_random: 7 };
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(anna, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ data }) => data!.id)).size).toBe(1);
    for (const { status, meta } of answers)
      expect(meta).toEqual(status === 201 ? {} : { duplicate: true, differs: false });
    const list = await ask(anna, "GET", "/conversations");
    expect(list.data).toHaveLength(1);
    expect((await create(anna, { ...body, client_random: "7" })).data!.id).toBe(answers[0]!.data!.id);
  });

  test("is known by its Idempotency-Key too; another body gets the same group and is told that it differs", async () => {
    const anna = { id: newId() };
    const [ben, carol] = [newId(), newId()];
    const key = crypto.randomUUID();
    const first = await create(anna, { user_ids: [ben] }, key);
    expect(first.status).toBe(201);
    const differing = [
      { user_ids: [ben, carol] },
      { user_ids: [carol] },
      { user_ids: [ben], name: "others" },
    ];
    for (const body of differing) {
      const again = await create(anna, body, key);
      expect(again).toMatchObject({ status: 200, meta: { duplicate: true, differs: true } });
      expect(again.data).toMatchObject({ id: first.data!.id, name: "friends" });
    }
    expect((await create(anna, { user_ids: [ben] }, key)).meta).toEqual({ duplicate: true, differs: false });
  });

  test("is another group for another key, user or device, and without a key", async () => {
    const id = newId();
    const body = { user_ids: [newId()], client_random: 1 };
    const made = await Promise.all([
      create({ id, device: "phone" }, body),
      create({ id, device: "tablet" }, body),
      create({ id }, body),
      create({ id: newId(), device: "phone" }, body),
      create({ id, device: "phone" }, { ...body, client_random: 2 }),
      create({ id, device: "phone" }, body, "1"),
      create({ id, device: "phone" }, { user_ids: body.user_ids }),
      create({ id, device: "phone" }, { user_ids: body.user_ids }),
    ]);
    expect(made.map(({ status }) => status)).toEqual(made.map(() => 201));
    expect(new Set(made.map(({ data }) => data!.id)).size).toBe(made.length);
  });

  test("is refused as a conflict to its creator who has left it, and nothing of it is told", async () => {
    const anna = { id: newId() };
    const body = { user_ids: [newId()], client_random: 3 };
    const { data } = await create(anna, body);
    await ask(anna, "POST", `/conversations/${data!.id}/leave`);
    const again = await create(anna, body);
    expect(again).toMatchObject({ status: 409, error: "conflict" });
    expect(again).not.toHaveProperty("data");
  });
});

test("a key that is none is refused by name", async () => {
  const anna = { id: newId() };
  const user_ids = [newId()];
  for (const client_random of [-1, 4_294_967_296, "4294967296", 1.5, true])
    expect(await create(anna, { user_ids, client_random })).toMatchObject({
      status: 422,
      error: "invalid_payload",
    });
  expect(await create(anna, { user_ids }, "k".repeat(256))).toMatchObject({ status: 422 });
});
