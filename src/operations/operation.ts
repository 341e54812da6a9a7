import type { TObject, TSchema } from "@sinclair/typebox";
import type { Action } from "../core/authorize.ts";
import type { Charge } from "../core/limits/charge.ts";
import type { Costs } from "../core/limits/costs.ts";
import type { RefusalCode, Rejection } from "../core/rejection.ts";
import type { Caller, SocketCaller } from "./caller.ts";
import type { PayloadShape } from "./payload-shape.ts";
import type { QueryFields } from "./query-fields.ts";
import type { Services } from "./services.ts";
import type { TopicKind } from "./topics/topics.ts";

/**
 * One thing that clients can ask for: what it is called, what it costs, how it is documented, and its doors. REST routes, channel events,
 * the API documents, docs/limits.md and the rows of the authorization matrix are loops over the list of these (`list.ts`).
 */
export interface Operation {
  /** In snake_case; unique. Labels metrics and the API documents. */
  readonly name: string;
  /** One sentence that begins with a verb. */
  readonly summary: string;
  readonly description?: string | undefined;
  /** Its costs, which also decide when it is refused under load (`arrivals`). */
  readonly costs: Costs;
  /** The rules of `authorize` that decide it. Default: the rule with the name of the operation. */
  readonly authorizedAs?: readonly Action[] | undefined;
  /** Its own refusals, besides those of every operation (`refusedAnywhere`). */
  readonly refuses: readonly RefusalCode[];
  readonly rest: readonly RestDoor[];
  readonly channel: readonly ChannelDoor[];
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One method and path, below `/api/v1`. What `answer` throws is a bug and is answered as `internal`. */
export interface RestDoor {
  /** The name of this route, if the operation has several. Default: the operation's. */
  readonly name?: string | undefined;
  readonly method: Method;
  readonly path: string;
  /** Query parameters; others are ignored and counted. */
  readonly query: QueryFields;
  /** Headers that it reads, by their names in lower case. */
  readonly headers?: Readonly<Record<string, TSchema>>;
  readonly body: BodyDoc | null;
  /** By status. */
  readonly replies: Readonly<Partial<Record<Answer["status"], ReplyDoc>>>;
  answer(call: Call, on: Services): Promise<Answer | Rejection>;
}

export interface BodyDoc {
  /** One of them: where there are several, a field says which. */
  readonly shapes: readonly PayloadShape<TObject>[];
  /** The request may have no body at all. */
  readonly isOptional: boolean;
}

/** The `data` and `meta` of an answer; without data: the answer has no body. */
export interface ReplyDoc {
  readonly summary: string;
  readonly data?: TSchema;
  readonly meta?: TSchema;
}

/** One authenticated request of the REST API. */
export interface Call {
  readonly caller: Caller;
  /** The parameters of the path, percent-decoded and unchecked; null: it could not be decoded. */
  readonly params: Readonly<Record<string, string | null>>;
  readonly query: URLSearchParams;
  /** The charge for the request. It is settled when the request is decided. */
  readonly charge: Charge;
  readonly hasBody: boolean;
  /** The header of this name; null: there is none. */
  header(name: string): string | null;
  /** Reads the body as JSON; once. */
  json(): Promise<{ readonly value: unknown } | Rejection>;
}

/** JSON texts of `data` and `meta`. A 204 has neither. */
export type Answer =
  | { readonly status: 200 | 201; readonly data: string; readonly meta?: string }
  | { readonly status: 204 };

/** Events of one kind of topic. The first name is the documented one, the others are its aliases. */
export interface ChannelDoor {
  readonly topic: TopicKind;
  readonly events: readonly [string, ...string[]];
  readonly payload: PayloadShape<TObject> | null;
  /** The `response` of an ok reply. */
  readonly reply: TSchema;
  /** The largest frame that the event may have is that of its contents: content and metadata, or metadata. Default: a small one. */
  readonly frame?: "content" | "metadata" | undefined;
  /** Answers once, with the JSON text of an ok reply or with a refusal; it may do so after it has returned. */
  receive(event: TopicEvent, on: Services, charge: Charge, answer: ChannelAnswer): void | Promise<void>;
}

export type ChannelAnswer = (reply: string | Rejection) => void;

/** One event of a client on a topic that it joined. */
export interface TopicEvent {
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
  readonly identity: SocketCaller;
}

/** The refusals that every operation may have, because limits and bounds apply to all of them. */
export const refusedAnywhere: readonly RefusalCode[] = [
  "unauthorized",
  "rate_limited",
  "overloaded",
  "unavailable",
  "internal",
];

/** The refusals that every operation with a body or a payload may have. */
export const refusedWithPayload: readonly RefusalCode[] = ["invalid_payload", "payload_too_large", "timeout"];
