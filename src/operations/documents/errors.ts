import { type RefusalCode, refusals } from "../../core/rejection.ts";
import { cell } from "./field-table.ts";
import { refusalTexts } from "./refusal-texts.ts";

const head = `# Refusals

Every refusal has a code. Over REST: the status, and \`{"error": code, "message", "details"?, "retry_after_ms"?}\`. On a channel: an error reply whose
response is the same with \`reason\` in the place of \`error\`. gRPC numbers are those of \`google.rpc.Code\`. Written from \`src/core/rejection.ts\` and
\`src/operations/documents\` by \`bun cli/api-document.ts\`.

Act on the code alone: \`message\` is for people and may change. \`details\` names each wrong field with what is allowed. \`retry_after_ms\`
is present exactly where sending the same again later helps; over REST the header \`retry-after\` has it in whole seconds. A code that you do not know is final when
it has no \`retry_after_ms\`.

| code | HTTP | gRPC | retriable | means | what to do |
|---|---|---|---|---|---|
`;

const tail = `
## Reasons of the protocol

Error replies may have these as well; they say nothing but \`reason\`, except where a text follows.

| reason | means | what to do |
|---|---|---|
| \`unmatched topic\` | There is no such topic, or the frame is for a topic that this socket has not joined. | Join the topic first. |
| \`malformed_frame\` | The frame is not \`[join_ref, ref, topic, event, payload]\`; \`message\` says how it must be. | Mend the client. |
| \`too_many_topics\` | The socket has joined 2,000 topics, or all sockets of the user 20,000. | Leave topics that you do not show. |

A socket is closed with 1012 when the server stops or lost the right to serve: open a new one after a random time. 1008 says that the token has expired
or was revoked; 1009 that a frame was too large; 1013 that too much was sent, or too little read.
`;

/** Every code with its statuses and what to do: docs/errors.md. */
export function errorsDocument(): string {
  const codes = Object.keys(refusals) as RefusalCode[];
  return `${head}${codes.map(rowOf).join("\n")}\n${tail}`;
}

function rowOf(code: RefusalCode): string {
  const { http, grpc, retriable } = refusals[code];
  const { means, action } = refusalTexts[code];
  return `| \`${code}\` | ${http} | ${grpc} | ${retriable ? "yes" : "no"} | ${cell(means)} | ${cell(action)} |`;
}
