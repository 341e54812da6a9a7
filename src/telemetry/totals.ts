import { Counter, type Registry } from "prom-client";

/** Totals since the start. Plain numbers: the hot path only adds to them, the scrape reads them. */
export class Totals {
  accepted = 0;
  acknowledged = 0;
  duplicates = 0;
  actorsLoaded = 0;
  actorsPassivated = 0;
  malformedFrames = 0;
  slowConsumersClosed = 0;
  requestsAborted = 0;
  bugs = 0;
}

const totals: Readonly<Record<keyof Totals, readonly [name: string, help: string]>> = {
  accepted: ["whispr_commands_accepted_total", "Commands that entered a mailbox"],
  acknowledged: ["whispr_commands_acknowledged_total", "Commands that were answered after they were durable"],
  duplicates: [
    "whispr_commands_duplicate_total",
    "Sends that were answered with the message stored before under the same key",
  ],
  actorsLoaded: ["whispr_actors_loaded_total", "Conversations loaded into memory"],
  actorsPassivated: ["whispr_actors_passivated_total", "Conversations removed from memory to make room"],
  malformedFrames: ["whispr_malformed_frames_total", "WebSocket frames that were not a Phoenix message"],
  slowConsumersClosed: [
    "whispr_slow_consumers_closed_total",
    "Sockets closed because more bytes waited for them than WHISPR_SEND_BUFFER",
  ],
  requestsAborted: [
    "whispr_http_requests_aborted_total",
    "Requests whose client closed the connection before the response",
  ],
  bugs: ["whispr_internal_errors_total", "Exceptions that were not a refusal: each is a bug"],
};

export function registerTotals(registry: Registry, counted: Totals): void {
  for (const [field, [name, help]] of Object.entries(totals)) {
    const read = () => counted[field as keyof Totals];
    const collect = function (this: Counter) {
      this.reset();
      this.inc(read());
    };
    new Counter({ name, help, registers: [registry], collect });
  }
}
