import type { Command } from "../../core/commands.ts";
import type { Event } from "../../core/events.ts";
import type { Outcome } from "../../engine/outcome.ts";
import type { Commands } from "../domain.ts";
import { rejectionResponse } from "../rejections.ts";

export function submitted(commands: Commands, command: Command): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  commands.submit(command, resolve);
  return promise;
}

/** What came of a command that has no duplicates, or the answer to its refusal, which was counted where it was made. */
export async function eventsOf(commands: Commands, command: Command): Promise<readonly Event[] | Response> {
  const outcome = await submitted(commands, command);
  switch (outcome.type) {
    case "done":
      return outcome.events;
    case "rejection":
      return rejectionResponse(outcome);
    case "duplicate":
      throw new Error(`${command.type} was answered as a duplicate`);
  }
}
