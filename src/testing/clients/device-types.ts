export interface KeptMessage {
  readonly id: string;
  readonly conversation_id: string;
  readonly seq: number;
  readonly rev: number;
  readonly sender_id: string;
  readonly content: string;
  readonly status?: string;
  readonly is_deleted: boolean;
  readonly edited_at: string | null;
}

/** What came on a topic. */
export interface Heard {
  readonly topic: string;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export type JoinReply = Readonly<Record<string, unknown>>;

export interface DeviceOptions {
  readonly url: string;
  readonly token: string;
  readonly userId: string;
  /** Keeps whatever comes in `heard`; else only the messages. */
  readonly remembers?: boolean;
  /** It is there from the first message of each of its conversations: a hole at any moment is a violation. */
  readonly isComplete?: boolean;
}
