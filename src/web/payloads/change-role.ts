import { Type } from "@sinclair/typebox";
import { type GrantableRole, grantableRoles } from "../../core/conversations/change-role.ts";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { strict } from "./fields.ts";

const roleAllowed = `must be one of ${grantableRoles.join(", ")}; owner is who made the group, and cannot be given`;

const shape = new PayloadShape(
  Type.Object(
    {
      role: Type.Union(
        grantableRoles.map((role) => Type.Literal(role)),
        { description: roleAllowed },
      ),
    },
    strict,
  ),
);

/** A checked `PATCH /conversations/:id/members/:userId/role`. */
export function readChangeRole(payload: unknown): { readonly role: GrantableRole } | Rejection {
  return shape.fits(payload) ? { role: payload.role } : shape.refusal(payload);
}
