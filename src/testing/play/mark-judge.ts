import type { MarkKind, MarkMember, MarkMoved } from "../../core/messages/marks.ts";
import type { MarksFrame } from "../../core/ports/pubsub.ts";
import type { Rejection } from "../../core/rejection.ts";
import type { ModelStore } from "../model/model-store.ts";
import type { Expect, LogJudge } from "./log-judge.ts";

/** What must be true of marks (I7): they are stored, only grow, and never pass the head. */
export class MarkJudge {
  /** Shards went to another node: their marks are refused. */
  hasLostShards = false;
  readonly #model: ModelStore;
  readonly #logs: LogJudge;
  readonly #expect: Expect;
  readonly #published = new Map<string, number>();

  constructor(options: { readonly model: ModelStore; readonly logs: LogJudge; readonly expect: Expect }) {
    this.#model = options.model;
    this.#logs = options.logs;
    this.#expect = options.expect;
  }

  published({ conversationId: id, moved }: MarksFrame): void {
    for (const move of moved) {
      this.#judge(id, move, "delivered", move.deliveredFrom, move.deliveredTo);
      this.#judge(id, move, "read", move.readFrom, move.readTo);
    }
  }

  /** `head` is the last message when the mark was sent. */
  answered(
    { conversationId: id, userId, kind, seq }: MarkMember,
    head: number,
    refusal: Rejection | null,
  ): void {
    if (refusal && this.hasLostShards && refusal.code === "unavailable") return;
    if (refusal)
      return this.#expect(
        !this.#logs.isSteadyMember(id, userId),
        `a member's mark is refused: ${refusal.code}`,
      );
    const reached = this.#reached(id, userId, kind) ?? -1;
    this.#expect(reached >= Math.min(seq, head), "a mark tells of what is not stored");
  }

  #judge(id: string, { userId }: MarkMoved, kind: MarkKind, from: number, to: number): void {
    const key = `${id} ${userId} ${kind}`;
    this.#expect(from >= (this.#published.get(key) ?? 0) && to >= from, "a mark goes back");
    this.#expect(to <= this.#model.logs.get(id)!.messages.length, "a mark beyond the head");
    this.#expect(this.#reached(id, userId, kind)! >= to, "a frame tells of a mark that is not stored");
    this.#published.set(key, to);
  }

  #reached(id: string, userId: string, kind: MarkKind): number | undefined {
    const stored = this.#model.logs.get(id)!.members.get(userId);
    return kind === "read" ? stored?.readSeq : stored?.deliveredSeq;
  }
}
