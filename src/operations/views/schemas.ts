import { type TProperties, type TSchema, Type } from "@sinclair/typebox";

/** The parts of the schemas of answers and pushes. They are closed: a field that is sent and not documented fails a test. */

export function closed<Properties extends TProperties>(properties: Properties, options: object = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

export function nullable<S extends TSchema>(schema: S, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
}

export function oneOf<const Values extends readonly string[]>(values: Values, description?: string) {
  return Type.Union(
    values.map((value) => Type.Literal(value)),
    description === undefined ? {} : { description },
  );
}

export const id = (description?: string) =>
  Type.String({ format: "uuid", ...(description === undefined ? {} : { description }) });
export const instant = (description: string) =>
  Type.String({ format: "date-time", description: `${description} UTC, with microseconds.` });
export const count = (description: string) => Type.Integer({ minimum: 0, description });

export const conversationIdField = id("The conversation.");
export const messageIdField = id("The message.");
export const userIdField = id("The user.");
export const seqField = Type.Integer({
  minimum: 1,
  description: "The number of the message in its conversation: 1, 2, 3 …",
});
export const revField = count("The revision of the conversation at this change.");
/** An object that clients wrote; it is returned unchanged. */
export const anyObject = (description: string) =>
  Type.Object({}, { additionalProperties: true, description });
