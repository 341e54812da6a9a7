import { Type } from "@sinclair/typebox";
import { type Role, roles } from "../../core/conversations/conversation.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { strict } from "./fields.ts";

const roleAllowed = `must be one of ${roles.join(", ")}; only the owner gives owner, and becomes an admin`;

const shape = new PayloadShape(
  Type.Object(
    {
      role: Type.Union(
        roles.map((role) => Type.Literal(role)),
        { description: roleAllowed },
      ),
    },
    strict,
  ),
);

/** A checked `PATCH /conversations/:id/members/:userId/role`. */
export function readChangeRole(payload: unknown): { readonly role: Role } | Rejection {
  return shape.fits(payload) ? { role: payload.role } : shape.refusal(payload);
}
