import { Type } from "@sinclair/typebox";
import { type Role, roles } from "../../core/conversations/conversation.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";

const roleAllowed = `must be one of ${roles.join(", ")}; only the owner gives owner, and becomes an admin`;

const shape = new PayloadShape({
  operation: "change_role",
  schema: Type.Object({
    role: Type.Union(
      roles.map((role) => Type.Literal(role)),
      { description: roleAllowed },
    ),
  }),
});

/** A checked `PATCH /conversations/:id/members/:userId/role`. */
export function readChangeRole(payload: unknown, reading: Reading): { readonly role: Role } | Rejection {
  return shape.read(payload, reading) ?? shape.refusal(payload);
}
