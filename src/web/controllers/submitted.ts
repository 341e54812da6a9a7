import type { Command } from "../../core/commands.ts";
import type { Event } from "../../core/events.ts";
import type { Charge } from "../../core/limits/charge.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Outcome } from "../../engine/conversation/outcome.ts";
import type { Commands } from "../domain.ts";
import { rejectionResponse } from "../http/rejections.ts";
import { messageIn } from "../realtime/outcome-message.ts";

export function submitted(commands: Commands, command: Command, charge: Charge): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  commands.submit(command, resolve, charge);
  return promise;
}

/** What came of a command that has no duplicates, or the answer to its refusal, which was counted where it was made. */
export async function eventsOf(
  commands: Commands,
  command: Command,
  charge: Charge,
): Promise<readonly Event[] | Response> {
  const outcome = await submitted(commands, command, charge);
  switch (outcome.type) {
    case "done":
      return outcome.events;
    case "rejection":
      return rejectionResponse(outcome);
    case "unchanged":
      return [];
    case "duplicate":
      throw new Error(`${command.type} was answered as a duplicate`);
  }
}

/** The message that such a command is about, as it is now, and whether the command changed it. */
export async function messageOf(
  commands: Commands,
  command: Command,
  charge: Charge,
): Promise<{ readonly message: Message; readonly isChanged: boolean } | Response> {
  const outcome = await submitted(commands, command, charge);
  switch (outcome.type) {
    case "done":
      return { message: messageIn(outcome.events)!, isChanged: true };
    case "unchanged":
      return { message: outcome.message, isChanged: false };
    case "rejection":
      return rejectionResponse(outcome);
    case "duplicate":
      throw new Error(`${command.type} was answered as a duplicate`);
  }
}
