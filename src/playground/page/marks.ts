import type { Mark, Status, StatusPush } from "./wire.ts";

/** How far each member has received and read. Marks are absolute and only grow, so the highest that was heard is the latest. */
export class Marks {
  readonly #byUser = new Map<string, { delivered: number; read: number }>();

  raise({ user_id, delivered_seq, read_seq }: Mark): void {
    const held = this.of(user_id);
    const read = Math.max(held.read, read_seq);
    this.#byUser.set(user_id, { delivered: Math.max(held.delivered, delivered_seq, read), read });
  }

  /** A status holds for all: a message is `read` when every other member has read it. */
  raiseAll({ seq, status }: StatusPush, userIds: Iterable<string>): void {
    if (status === "sent") return;
    for (const user_id of userIds) {
      this.raise({ user_id, delivered_seq: seq, read_seq: status === "read" ? seq : 0 });
    }
  }

  of(userId: string): { readonly delivered: number; readonly read: number } {
    return this.#byUser.get(userId) ?? { delivered: 0, read: 0 };
  }

  /** Of a message of one's own, over the other members. */
  statusOf(seq: number, otherIds: readonly string[]): Status {
    const marks = otherIds.map((userId) => this.of(userId));
    if (marks.length === 0) return "sent";
    if (marks.every(({ read }) => read >= seq)) return "read";
    return marks.every(({ delivered }) => delivered >= seq) ? "delivered" : "sent";
  }
}
