/** What one row has shown. Bytes and milliseconds are of one request, in the mean. */
export interface Measured {
  readonly operation: string;
  readonly input: string;
  readonly times: number;
  /** How it was answered: HTTP status or status of the reply. */
  readonly status: string;
  readonly isPage: boolean;
  /** Whom it brings into a conversation. */
  readonly people: number;
  /** Bytes that are counted beside those of its answer. */
  readonly readBytes: number;
  /** Why more bytes than a ratio allows cannot be brought again and again; null: they can. */
  readonly paidBy: string | null;
  readonly sentBytes: number;
  /** To the asker, all that follows included. */
  readonly answeredBytes: number;
  /** The largest single answer. */
  readonly largestBytes: number;
  /** To one of those who listen, on all topics. */
  readonly recipientBytes: number;
  readonly serverMs: number;
  readonly loopMs: number;
  readonly postgresMs: number;
  /** Sockets of others that the server closed. */
  readonly closed: number;
  /** The same where everybody listens; null: nobody hears of it. */
  readonly crowd: Crowd | null;
}

export interface Crowd {
  readonly listeners: number;
  readonly frames: number;
  readonly bytes: number;
  readonly serverMs: number;
  readonly loopMs: number;
  readonly closed: number;
}
