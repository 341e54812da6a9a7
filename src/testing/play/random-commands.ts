import type { Command } from "../../core/commands.ts";
import type { ApplyBlocks, BlockedSide } from "../../core/conversations/blocks.ts";
import { roles } from "../../core/conversations/conversation.ts";
import type { EditMessage } from "../../core/messages/edit.ts";
import type { Message } from "../../core/messages/message.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import { newId } from "../../system.ts";
import { aSend, membersNamed } from "../builders/builders.ts";
import type { Random } from "../builders/random.ts";
import { type ModelStore, poison } from "../model/model-store.ts";

export interface Talk {
  readonly id: string;
  /** Those who are, were or may become members. */
  readonly users: readonly string[];
  readonly isGroup: boolean;
}

type Given = Pick<Command, "id" | "conversationId" | "senderId">;

/** Never a member of anything. */
export const stranger = newId();
export const unknownConversation = newId();
const anHourUs = 3_600_000_000;
const keysInUse = 12;
/** Every user has these devices, and all of them use the same keys. */
const devicesInUse = [deviceTagOf(null), deviceTagOf("phone")];

/** Commands that members and strangers could send, in proportions that make them meet. */
export class RandomCommands {
  readonly #random: Random;
  readonly #model: ModelStore;
  readonly #onEdit: (command: EditMessage) => void;
  readonly #lastSends = new Map<string, string>();
  #made = 0;

  constructor(options: {
    readonly random: Random;
    readonly model: ModelStore;
    /** Called with each edit that the store can hold. */
    readonly onEdit: (command: EditMessage) => void;
  }) {
    this.#random = options.random;
    this.#model = options.model;
    this.#onEdit = options.onEdit;
  }

  next(talk: Talk): Command {
    const random = this.#random;
    this.#made++;
    const given = {
      id: newId(),
      conversationId: random.chance(0.03) ? unknownConversation : talk.id,
      senderId: random.chance(0.05) ? stranger : random.pick(talk.users),
    };
    const dice = random.below(20);
    if (dice < 3) return this.#anEdit(given, talk.id);
    if (dice < 4)
      return { type: "delete_message", ...given, messageId: this.#anyMessage(talk.id), withinUs: anHourUs };
    if (dice < 7) return this.#aRelation(given, talk.id);
    const aboutMembers = talk.isGroup ? this.#aboutMembers(dice, given, talk) : this.#aBlock(dice, talk);
    return aboutMembers ?? this.#anUpdate(dice, given) ?? this.#aSend(given, talk.id);
  }

  #aboutMembers(dice: number, given: Given, { users }: Talk): Command | null {
    const userId = this.#random.pick(users);
    if (dice < 8) return { type: "add_members", ...given, userIds: [userId] };
    if (dice < 9) return { type: "remove_member", ...given, userId };
    if (dice < 10 && this.#random.chance(0.5)) return { type: "leave_conversation", ...given };
    if (dice < 11 && this.#random.chance(0.3))
      return { type: "change_role", ...given, userId, role: this.#random.pick(roles) };
    return null;
  }

  #aBlock(dice: number, { id, users }: Talk): Command | null {
    if (dice >= 8) return null;
    const blocked = users.filter(() => this.#random.chance(0.1));
    return blocksOf(id, users, blocked);
  }

  #anUpdate(dice: number, given: Given): Command | null {
    if (dice >= 11 || !this.#random.chance(0.4)) return null;
    const metadata = `{"${this.#random.below(5)}":${this.#made}}`;
    return { type: "update_conversation", ...given, metadata, maxMetadataBytes: 1_000 };
  }

  #aSend(given: Given, id: string): Command {
    const random = this.#random;
    const content = random.chance(0.02) ? poison : `text ${this.#made}`;
    const replyToId = random.chance(0.2) ? this.#anyMessage(id) : null;
    const messageType = random.chance(0.3) ? "media" : "text";
    const clientRandom = random.chance(0.2) ? null : random.below(keysInUse);
    const deviceTag = random.pick(devicesInUse);
    this.#lastSends.set(given.conversationId, given.id);
    return aSend({ ...given, content, deviceTag, clientRandom, replyToId, messageType });
  }

  /** One of few, so that the same come again. */
  #aRelation(given: Given, id: string): Command {
    const random = this.#random;
    const messageId = this.#anyMessage(id);
    const reaction = random.pick(["👍", "❤️"]);
    if (random.chance(0.4)) return { type: "add_reaction", ...given, messageId, reaction };
    if (random.chance(0.6)) return { type: "remove_reaction", ...given, messageId, reaction };
    const attachment = {
      id: newId(),
      mediaId: random.pick(["one", "two"]),
      mediaType: "image",
      metadata: "{}",
    } as const;
    return { type: "attach_media", ...given, messageId, attachment, withinUs: anHourUs };
  }

  /** Mostly by the author, since few others would be allowed to. */
  #anEdit(given: Given, id: string): Command {
    const metadata = this.#random.chance(0.3) ? `{"edit":${this.#made}}` : null;
    const content = this.#random.chance(0.03) ? poison : `edit ${this.#made}`;
    const messageId = this.#anyMessage(id);
    const author = this.#messagesOf(id).find((message) => message.id === messageId)?.senderId;
    const senderId = author && this.#random.chance(0.8) ? author : given.senderId;
    const edit = { messageId, content, metadata, mentions: false, withinUs: anHourUs };
    const command = { type: "edit_message", ...given, senderId, ...edit } as const;
    if (content !== poison) this.#onEdit(command);
    return command;
  }

  /** Mostly one of few, so that commands meet; now and then one that may not be stored yet. */
  #anyMessage(id: string): string {
    const messages = this.#messagesOf(id);
    if (this.#random.chance(0.05)) return this.#lastSends.get(id) ?? newId();
    if (messages.length === 0 || this.#random.chance(0.05)) return newId();
    return this.#random.pick(this.#random.chance(0.7) ? messages.slice(-4) : messages).id;
  }

  #messagesOf(id: string): readonly Message[] {
    return this.#model.logs.get(id)?.messages ?? [];
  }
}

/** Applies the blocks between the two users of a direct conversation that was there from the start. */
export function blocksOf(
  conversationId: string,
  users: readonly string[],
  blocked: readonly string[],
): ApplyBlocks {
  const [one, other] = [...membersNamed(users).values()].map((member) => ({
    userId: member.userId,
    member,
    isBlocked: blocked.includes(member.userId),
  })) as [BlockedSide, BlockedSide];
  return { type: "apply_blocks", id: newId(), conversationId, senderId: users[0]!, sides: [one, other] };
}

export function isPoisoned(command: Command): boolean {
  return "content" in command && command.content === poison;
}
