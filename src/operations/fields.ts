import { type TSchema, Type } from "@sinclair/typebox";
import { anyCaseUuid } from "./uuid.ts";

/**
 * The parts of the schemas. There is one schema per command: the same for channel, REST and gRPC. A field that may be left
 * out may also be null. Fields of later versions are known, and refused, so that nobody believes that they had an effect. Each
 * field's description is what a refusal says is allowed; `about` is what it means, for the API documents.
 */

export function optional<S extends TSchema>(schema: S, allowed: string, about?: string) {
  const means = about === undefined ? {} : { about };
  return Type.Optional(Type.Union([schema, Type.Null()], { description: allowed, ...means }));
}

export function later(what: string) {
  return Type.Optional(
    Type.Null({
      description: `is not supported yet, ${what} come with a later version; leave it out`,
      undocumented: true,
    }),
  );
}

export function elsewhere(where: string) {
  return Type.Optional(
    Type.Null({ description: `is not a field here, ${where}; leave it out`, undocumented: true }),
  );
}

export const settingsElsewhere = elsewhere("the settings of a group are metadata.group_settings");

/** The sender is always the token's subject, so what a payload says of it is accepted and not read. */
export const ignored = Type.Optional(Type.Unknown({ undocumented: true }));

/** In any case; `PayloadShape` gives it in the form that is used as a key. */
export const uuid = Type.String({ pattern: anyCaseUuid });

/** Optional, because where a payload was sent to may name them already. */
export const conversationId = optional(
  uuid,
  "must be the conversation's id",
  "Left out where the path or the topic names it.",
);
export const messageId = optional(uuid, "must be the id of a message", "Left out where the path names it.");

const maxUint32 = 0xffff_ffff;
export const clientRandomAllowed = `must be an integer from 0 to ${maxUint32}, as a number or a decimal string`;
const uint32 = Type.Union([
  Type.Integer({ minimum: 0, maximum: maxUint32 }),
  Type.String({ pattern: "^[0-9]{1,10}$" }),
]);
export const clientRandom = optional(
  uint32,
  clientRandomAllowed,
  "Your own number for it: sent again under the same number within 24 h, it is stored once.",
);

/** Null: left out. A string of digits can be too large still, which is undefined. */
export function clientRandomIn(given: number | string | null | undefined): number | null | undefined {
  if (given == null) return null;
  // -0 as 0
  return Number(given) <= maxUint32 ? Number(given) + 0 : undefined;
}

export const content = Type.String({
  description: "must be a string",
  about:
    "What you write. The server stores it and returns it character for character; MAX_MESSAGE_SIZE bounds its bytes.",
});
export const metadata = optional(
  Type.Object({}),
  "must be an object",
  "Whatever clients keep beside it; WHISPR_MAX_METADATA_SIZE bounds its bytes.",
);

/** Whether the metadata of a message names users who are mentioned: a group's settings say who may. */
export function mentionsSomebody(metadata: object | null | undefined): boolean {
  if (!metadata || !Object.hasOwn(metadata, "mentions")) return false;
  const { mentions } = metadata as { readonly mentions: unknown };
  return Array.isArray(mentions) && mentions.length > 0;
}
