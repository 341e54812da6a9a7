import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { checkCreateDirect, pairOf } from "./create.ts";

const [anna, ben] = [newId(), newId()];
const create = { type: "create_direct", id: newId(), creatorId: anna, otherUserId: ben, atUs: 1 } as const;

test("a pair is the same whoever asks", () => {
  expect(pairOf(create)).toEqual(pairOf({ ...create, creatorId: ben, otherUserId: anna }));
  expect(checkCreateDirect(create)).toBeNull();
});

test("nobody has a direct conversation with themselves", () => {
  expect(checkCreateDirect({ ...create, otherUserId: anna })).toMatchObject({ code: "invalid_payload" });
});
