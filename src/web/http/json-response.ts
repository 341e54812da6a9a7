/** A response whose body is JSON text that was made already. Never cached: what it holds is for one viewer. */
export function jsonResponse(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const response = new Response(body, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
  });
  return sized(response, body);
}

const sizes = new WeakMap<Response, number>();

/** The bytes of a shorter text are its characters, near enough. */
const countedFrom = 1_024;

/** Notes how large the body of a response is, which the response itself does not tell. */
export function sized(response: Response, body: string): Response {
  sizes.set(response, body.length < countedFrom ? body.length : Buffer.byteLength(body));
  return response;
}

/** Returns the bytes of the text that a response was made of; 0: it was not made here. */
export function bodySizeOf(response: Response): number {
  return sizes.get(response) ?? 0;
}

/** `{"data": …, "meta": …}` from JSON text. */
export function dataResponse(status: number, data: string, meta: string): Response {
  return jsonResponse(status, `{"data":${data},"meta":${meta}}`);
}
