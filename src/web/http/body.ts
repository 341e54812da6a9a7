import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import { payloadOf } from "../../phoenix/codec.ts";
import { parseExactly } from "../../phoenix/exact-json.ts";
import { countValues, maxValues } from "../../phoenix/json-structure.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * A body as the JSON value that it holds: nothing is coerced, stripped or renamed, whatever its content-type says. An empty array is an empty
 * object, as in the payload of a frame.
 */
export async function readJson(
  request: Request,
  maxBytes: number,
): Promise<{ readonly value: unknown } | Rejection> {
  const bytes = await readBytes(request, maxBytes).catch((error) => cutOff(request, error));
  if (!bytes) return tooLarge(maxBytes);
  if (isRejection(bytes)) return bytes;
  try {
    return parsed(utf8.decode(bytes));
  } catch {
    return notJson;
  }
}

function parsed(text: string): { readonly value: unknown } | Rejection {
  return countValues(text) > maxValues ? tooManyValues : { value: payloadOf(parseExactly(text)) };
}

/** The client closed the connection in the middle of the body: that is no bug, and nobody reads the answer. */
function cutOff(request: Request, error: unknown): Rejection {
  if (request.signal.aborted) return incomplete;
  throw error;
}

export function tooLarge(maxBytes: number): Rejection {
  return reject("payload_too_large", `The body must be at most ${maxBytes} bytes.`);
}

/** Bytes of a body that comes without a length: what is counted for it before it is read. */
const unannouncedBytes = 65_536;

/** How large the body will be, by what the request says. */
export function announcedBytes(request: Request): number {
  return Number(request.headers.get("content-length") ?? unannouncedBytes);
}

/** Whether the request says itself that its body is too large, so that nothing of it needs to be read. */
export function announcesTooMuch(request: Request, maxBytes: number): boolean {
  return Number(request.headers.get("content-length") ?? 0) > maxBytes;
}

/** A body that nobody reads: Bun keeps it while its request waits for an answer, as a handshake may for seconds. Small ones do no harm. */
export function bringsUselessBody({ method, headers }: Request): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > uselessBytes;
}

const uselessBytes = 1_024;

/** Null: more than `maxBytes`. A body without a length is read piece by piece, never further than the bound. */
async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (!request.body) return new Uint8Array();
  if (announcesTooMuch(request, maxBytes)) return null;
  if (request.headers.has("content-length")) return new Uint8Array(await request.arrayBuffer());
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body) {
    size += piece.byteLength;
    if (size > maxBytes) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const incomplete = reject("invalid_payload", "The connection was closed before the body was complete.");
const tooManyValues = reject("invalid_payload", `The body may hold at most ${maxValues} values.`);
const notJson = reject("invalid_payload", "The body must be JSON text in UTF-8.");
export const uselessBody = reject(
  "payload_too_large",
  `A GET takes no body of more than ${uselessBytes} bytes.`,
);
