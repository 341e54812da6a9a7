import type { Clock } from "../core/ports/clock.ts";

/** The longest that a read may take. */
const timeoutMs = 3_000;
/** The maximum size of a key set, from an address or a file. */
export const maxKeySetBytes = 1 << 20;

/**
 * Reads a key set from an address. The response decides who gets in, so it must come from there: redirects are refused, and the
 * certificate is checked even if NODE_TLS_REJECT_UNAUTHORIZED is 0. NODE_EXTRA_CA_CERTS names a private authority. The bound on the body
 * applies after decompression.
 * @throws Error that says what was wrong: no answer within 3 s, another status than 2xx, more than 1 MB.
 */
export async function downloadKeySet(url: string, clock: Pick<Clock, "after">): Promise<string> {
  const abort = new AbortController();
  const cancel = clock.after(timeoutMs, () => abort.abort());
  try {
    const response = await fetch(url, {
      signal: abort.signal,
      headers: { accept: "application/json" },
      redirect: "manual",
      tls: { rejectUnauthorized: true },
    });
    refuseStatus(response, url);
    return await boundedText(response);
  } catch (error) {
    throw abort.signal.aborted ? new Error(`did not answer within ${timeoutMs} ms`) : error;
  } finally {
    cancel();
    // Stops a response that is no longer needed.
    abort.abort();
  }
}

/** Whether the keys come unencrypted from another machine. `localhost` and loopback addresses are this machine. */
export function isReadInPlaintext(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return (
    protocol === "http:" &&
    !/^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/.test(hostname)
  );
}

function refuseStatus({ status, ok, headers }: Response, url: string): void {
  if (ok) return;
  if (status < 300 || status >= 400) throw new Error(`answered with status ${status}`);
  const target = URL.parse(headers.get("location") ?? "", url);
  const to = target === null ? "" : ` to ${target.protocol}//${target.host}`;
  throw new Error(
    `answered with a redirect (${status}${to}), which is not followed; name the address of the keys themselves`,
  );
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxKeySetBytes) throw new Error(`answered with more than ${maxKeySetBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
