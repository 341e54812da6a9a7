/** A change of one user's private state, which only their own devices see. One variant for each kind of state. */
export type OwnChange = UnreadChanged;

/** The user marked a conversation as unread from a message on. Null: it is no longer marked. */
export interface UnreadChanged {
  readonly type: "unread";
  readonly from: { readonly messageId: string; readonly seq: number } | null;
}
