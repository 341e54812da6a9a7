import type { TSchema } from "@sinclair/typebox";
import type { Message } from "../../core/messages/message.ts";
import type { TopicKind } from "../topics/topics.ts";

/** A message that the server sends without being asked: its names, its topics and its payload. */
export interface PushDoc {
  /** The first one is the documented one. The others are its aliases: it is sent under each of them. */
  readonly names: readonly [string, ...string[]];
  readonly topics: readonly TopicKind[];
  /** One sentence that begins with a verb, about the server. */
  readonly summary: string;
  readonly description?: string | undefined;
  readonly payload: TSchema;
}

export interface Push<Given extends readonly unknown[]> extends PushDoc {
  /** The JSON text of its payload. */
  encode(...given: Given): string;
}

/** The JSON text of a message. */
export type TextOf = (message: Message) => string;

export function push<Given extends readonly unknown[]>(declared: Push<Given>): Push<Given> {
  return declared;
}

export const everyTopic: readonly TopicKind[] = ["conversation", "user"];
