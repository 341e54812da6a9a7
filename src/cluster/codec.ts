import type { Command } from "../core/commands.ts";
import type { MarkMember } from "../core/messages/marks.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Frame } from "../core/ports/pubsub.ts";
import { command, mark, outcome } from "./command-shapes.ts";
import { frame } from "./frame-shapes.ts";
import { Malformed, type Shape } from "./shape.ts";

/** The version of the format. Raise it when a node that knows only this one would misread the text. */
const version = 1;

/** Says why a text was refused. `detail` never holds content. */
export interface Undecodable {
  readonly type: "undecodable";
  readonly reason: "unknown_version" | "unknown_kind" | "malformed";
  readonly detail: string;
}

/** One kind of what nodes send to each other, as text: `[version, kind, value]`. */
export interface Codec<T> {
  encode(value: T): string;
  /** Never throws. */
  decode(text: string): T | Undecodable;
}

export const commandCodec: Codec<Command> = codecOf("command", command);
export const markCodec: Codec<MarkMember> = codecOf("mark", mark);
export const outcomeCodec: Codec<Outcome> = codecOf("outcome", outcome);
export const frameCodec: Codec<Frame> = codecOf("frame", frame);

export function isUndecodable(value: { readonly type: string }): value is Undecodable {
  return value.type === "undecodable";
}

function codecOf<T>(kind: string, shape: Shape<T>): Codec<T> {
  return {
    encode: (value) => JSON.stringify([version, kind, shape.encode(value)]),
    decode(text) {
      const wire = parsed(text);
      if (!Array.isArray(wire) || !Number.isSafeInteger(wire[0])) return refused("malformed", "no envelope");
      if (wire[0] !== version)
        return refused("unknown_version", `version ${wire[0]}; this program knows version ${version}`);
      if (wire[1] !== kind) return refused("unknown_kind", `another kind than ${kind}`);
      return shaped(shape, wire[2]);
    },
  };
}

/** Returns undefined if the text is not valid JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shaped<T>(shape: Shape<T>, wire: unknown): T | Undecodable {
  try {
    return shape.decode(wire);
  } catch (error) {
    if (error instanceof Malformed) return refused("malformed", error.message);
    throw error;
  }
}

function refused(reason: Undecodable["reason"], detail: string): Undecodable {
  return { type: "undecodable", reason, detail };
}
