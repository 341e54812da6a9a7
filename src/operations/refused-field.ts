import { type Rejection, reject } from "../core/rejection.ts";

/** `invalid_payload` because of one field, named with what is allowed there. */
export function refusedField(name: string, problem: string): Rejection {
  return reject("invalid_payload", `${name} ${problem}.`, { details: { [name]: problem } });
}
