import { type RefusalCode, refusals } from "../../core/rejection.ts";
import { type Operation, type RestDoor, refusedAnywhere, refusedWithPayload } from "../operation.ts";
import type { Json } from "./named-schemas.ts";
import { refusalTexts } from "./refusal-texts.ts";

/** Returns the codes of the refusals of a request over REST, each once. */
export function refusedOverRest({ refuses }: Operation, door: RestDoor): readonly RefusalCode[] {
  const takesText = door.body !== null || Object.keys(door.query).length > 0 || door.headers !== undefined;
  const ofInput: readonly RefusalCode[] = takesText ? ["invalid_payload"] : [];
  const ofBody = door.body ? refusedWithPayload : [];
  // A body that nobody reads is refused when it is large.
  return unique([...refuses, ...ofInput, ...ofBody, "payload_too_large", ...refusedAnywhere]);
}

/** Returns the codes of the refusals of an event, a join or a leave, each once. */
export function refusedOnTopic(refuses: readonly RefusalCode[]): readonly RefusalCode[] {
  const inTime = refusedWithPayload.filter((code) => code !== "timeout");
  return unique([...refuses, ...inTime, ...refusedAnywhere.filter((code) => code !== "unauthorized")]);
}

function unique(codes: readonly RefusalCode[]): readonly RefusalCode[] {
  return [...new Set(codes)];
}

/** The codes by their HTTP status, in ascending order. */
export function byStatus(codes: readonly RefusalCode[]): readonly [number, readonly RefusalCode[]][] {
  const groups = Map.groupBy(codes, (code) => refusals[code].http as number);
  return [...groups].sort(([one], [other]) => one - other);
}

/** Under which name the code stands: `error` over REST, `reason` on a channel. */
export function refusalSchema(name: "error" | "reason", codes: readonly string[]): Json {
  return {
    type: "object",
    properties: {
      [name]: { type: "string", enum: codes, description: "The code: what to do depends on it alone." },
      message: { type: "string", description: "What was wrong, what is allowed and what to do, for people." },
      details: {
        type: "object",
        additionalProperties: { type: "string" },
        description: "What was wrong, by the name of the field.",
      },
      retry_after_ms: {
        type: "integer",
        minimum: 0,
        description: "Present where sending the same again later helps.",
      },
    },
    required: [name, "message"],
    additionalProperties: false,
  };
}

export function refusalExample(name: "error" | "reason", code: RefusalCode): Json {
  const retry = refusals[code].retriable ? { retry_after_ms: 1_000 } : {};
  return { [name]: code, message: refusalTexts[code].example, ...retry };
}
