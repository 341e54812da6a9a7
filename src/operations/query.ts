import type { Rejection } from "../core/rejection.ts";
import type { Answer, Call, Method, Operation, ReplyDoc } from "./operation.ts";
import { noQuery, type QueryFields } from "./query-fields.ts";
import type { Services } from "./services.ts";

/** An operation of REST alone that reads, or that is no command of a conversation. */
export interface RestSpec
  extends Pick<Operation, "name" | "summary" | "description" | "costs" | "authorizedAs" | "refuses"> {
  readonly method: Method;
  readonly path: string;
  readonly query?: QueryFields;
  readonly replies: Readonly<Partial<Record<Answer["status"], ReplyDoc>>>;
  answer(call: Call, on: Services): Promise<Answer | Rejection>;
}

export function query({ method, path, query = noQuery, replies, answer, ...spec }: RestSpec): Operation {
  return { ...spec, rest: [{ method, path, query, body: null, replies, answer }], channel: [] };
}
