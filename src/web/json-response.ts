/** A response whose body is JSON text that was made already. Never cached: what it holds is for one viewer. */
export function jsonResponse(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}

/** `{"data": …, "meta": …}` from JSON text. */
export function dataResponse(status: number, data: string, meta: string): Response {
  return jsonResponse(status, `{"data":${data},"meta":${meta}}`);
}
