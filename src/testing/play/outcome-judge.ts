import type { Command } from "../../core/commands.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import { reactionOf } from "../../core/messages/react.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RefusalCode } from "../../core/rejection.ts";
import type { ModelStore } from "../model/model-store.ts";
import type { Expect, LogJudge } from "./log-judge.ts";
import { isPoisoned, stranger, unknownConversation } from "./random-commands.ts";

/** A command that was submitted. */
export interface Sent {
  readonly command: Command;
  /** Its number in the order of submission. */
  readonly place: number;
  readonly atMs: number;
  answers: number;
}

const sweepMs = 250;
/** Reading the message that answers a duplicate comes on top of a deadline. */
const readSlackMs = 1_000;

/** What must be true of the outcomes of commands, at the moment when each is given. */
export class OutcomeJudge {
  readonly outcomes: Record<string, number> = {};
  readonly #model: ModelStore;
  readonly #logs: LogJudge;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #expect: Expect;
  readonly #ackedSeq = new Map<string, number>();
  readonly #lastRefused = new Map<string, number>();

  constructor(options: {
    readonly model: ModelStore;
    readonly logs: LogJudge;
    readonly clock: Clock;
    readonly deadlineMs: number;
    readonly expect: Expect;
  }) {
    this.#model = options.model;
    this.#logs = options.logs;
    this.#clock = options.clock;
    this.#deadlineMs = options.deadlineMs;
    this.#expect = options.expect;
  }

  /** Returns the last message of the conversation that was acknowledged. */
  ackedSeq(conversationId: string): number {
    return this.#ackedSeq.get(conversationId) ?? 0;
  }

  judge(sent: Sent, outcome: Outcome): void {
    sent.answers++;
    const kind = outcome.type === "rejection" ? outcome.code : outcome.type;
    this.outcomes[kind] = (this.outcomes[kind] ?? 0) + 1;
    const tookMs = this.#clock.monotonicMs() - sent.atMs;
    this.#expect(tookMs <= this.#deadlineMs + sweepMs + readSlackMs, `${kind} came after ${tookMs} ms`);
    switch (outcome.type) {
      case "rejection":
        return this.#judgeRefusal(sent, outcome.code, tookMs);
      case "duplicate":
        return this.#judgeMessage(sent, outcome.message, kind);
      case "unchanged":
        return this.#judgeUnchanged(sent.command, outcome.message);
      case "done":
        return this.#judgeDone(sent, outcome.events);
    }
  }

  /** After the end: each was answered once, and nothing that had to be refused is stored. */
  judgeOnce({ answers, command }: Sent): void {
    this.#expect(answers === 1, `a command was answered ${answers} times`);
    const isGood = command.senderId !== stranger && !isPoisoned(command);
    if (!isGood)
      this.#expect(!this.#model.has(command.conversationId, command.id), "what was refused is stored");
  }

  #judgeDone(sent: Sent, events: Extract<Outcome, { type: "done" }>["events"]): void {
    const { conversationId: id, type } = sent.command;
    if (events.length === 0)
      return this.#expect(type === "change_role" || type === "apply_blocks", "nothing was done");
    this.#expect(this.#logs.isStored(id, events), "done tells of what is not stored");
    const overtook = (this.#lastRefused.get(id) ?? -1) > sent.place;
    this.#expect(!overtook, "a refusal left before what it was decided after was durable");
    if (type === "send_message") this.#judgeMessage(sent, events[0] as MessageSent, "done");
  }

  /** Everything was as the command wants it. */
  #judgeUnchanged(command: Command, message: Message): void {
    const stored = this.#model.message(command.conversationId, message.seq);
    const isStored = stored !== undefined && stored.rev >= message.rev;
    this.#expect(isStored, "what is unchanged tells of what is not stored");
    const isSo = isAskedFor(command, message) && "messageId" in command && command.messageId === message.id;
    this.#expect(isSo, "nothing was done, and it is not as it should be");
  }

  #judgeMessage({ command }: Sent, message: Message, kind: string): void {
    const { conversationId: id } = command;
    const clientRandom = "clientRandom" in command ? command.clientRandom : null;
    this.#expect(this.#logs.wasStored(id, message), `${kind} tells of what is not stored`);
    this.#expect(message.senderId === command.senderId, `${kind} tells of another's message`);
    this.#expect(message.clientRandom === clientRandom, `${kind} tells of another key`);
    this.#expect((message.id === command.id) === (kind === "done"), `${kind} tells of another command`);
    this.#ackedSeq.set(id, Math.max(this.ackedSeq(id), message.seq));
  }

  #judgeRefusal({ command, place }: Sent, code: RefusalCode, tookMs: number): void {
    if (code === "not_found") this.#judgeNotFound(command);
    // A rule refused these. Strangers are refused by what is stored, whatever waits.
    if (code === "forbidden" || code === "conflict") this.#lastRefused.set(command.conversationId, place);
    if (code === "internal") this.#expect(isPoisoned(command), "a good command is refused as internal");
    if (code === "outcome_unknown") this.#expect(tookMs >= this.#deadlineMs, "unknown before the deadline");
  }

  /** To a member who was never away, nothing that is there is hidden. */
  #judgeNotFound(command: Command): void {
    const { conversationId: id, senderId } = command;
    if (id === unknownConversation || !this.#logs.isSteadyMember(id, senderId)) return;
    const isOfWhatIsNot =
      "userId" in command ||
      command.type === "remove_reaction" ||
      ("messageId" in command && !this.#model.has(id, command.messageId));
    const what = "messageId" in command ? "message" : "conversation";
    this.#expect(isOfWhatIsNot, `a member is told that a ${what} does not exist that does`);
  }
}

function isAskedFor(command: Command, message: Message): boolean {
  switch (command.type) {
    case "delete_message":
      return message.deletedAtUs !== null;
    case "add_reaction":
      return reactionOf(message, command.senderId, command.reaction) !== null;
    case "attach_media":
      return message.attachments!.some(({ mediaId }) => mediaId === command.attachment.mediaId);
    default:
      return false;
  }
}
