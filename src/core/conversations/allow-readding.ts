/**
 * A user who left a group lets its members add them again before `staysOutUntilUs`. Private to the user: it has no revision, and is looked up
 * when somebody adds them.
 */
export interface AllowReadding {
  readonly type: "allow_readding";
  /** The token's subject. */
  readonly userId: string;
  readonly conversationId: string;
}
