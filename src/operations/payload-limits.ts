/** Bounds of payloads, and how long messages may be changed. */
export interface PayloadLimits {
  /** Bytes of UTF-8. */
  readonly maxContentBytes: number;
  /** Bytes of JSON text. */
  readonly maxMetadataBytes: number;
  /** How long after it was sent a message may be edited by its author. */
  readonly editWindowMs: number;
  /** How long after it was sent a message may be deleted for everyone by its author. */
  readonly deleteWindowMs: number;
  /** Users who do not know each other are asked whether they accept a conversation. */
  readonly asksFirst: boolean;
}
