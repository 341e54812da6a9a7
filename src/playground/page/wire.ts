/** The frames and responses of the server, as docs/protocol.md has them. Fields that this page does not read are left out. */

export type Role = "owner" | "admin" | "moderator" | "member";
export type Status = "sent" | "delivered" | "read";
export type Availability = "online" | "away" | "busy" | "offline";

export interface ReplyPreview {
  readonly id: string;
  readonly seq: number;
  readonly sender_id: string;
  readonly message_type: string;
  /** Null: deleted, or too long for a preview. */
  readonly content: string | null;
  readonly is_deleted: boolean;
}

export interface Reaction {
  readonly user_id: string;
  readonly reaction: string;
}

export interface Attachment {
  readonly id: string;
  readonly media_id: string;
  readonly media_type: string;
}

export interface Message {
  readonly id: string;
  readonly conversation_id: string;
  readonly seq: number;
  readonly rev: number;
  readonly sender_id: string;
  readonly message_type: string;
  readonly content: string;
  readonly client_random: number | null;
  readonly sent_at: string;
  readonly edited_at: string | null;
  readonly is_deleted: boolean;
  readonly reply_to_id: string | null;
  readonly reply_to?: ReplyPreview | null;
  readonly reactions?: readonly Reaction[];
  /** Counts of all reactions; `reactions` holds the first hundred. */
  readonly reaction_summary?: Readonly<Record<string, number>>;
  readonly attachments?: readonly Attachment[];
}

export interface Member {
  readonly user_id: string;
  readonly role: Role;
  readonly is_active: boolean;
  /** Of the last change of this membership; in changes only. */
  readonly rev?: number;
  readonly last_seen_at?: string | null;
}

export interface Mark {
  readonly user_id: string;
  readonly delivered_seq: number;
  readonly read_seq: number;
}

export type Metadata = Readonly<Record<string, unknown>>;

export interface BareConversation {
  readonly id: string;
  readonly type: "direct" | "group";
  readonly metadata: Metadata;
  readonly is_active: boolean;
}

export interface Summary extends BareConversation {
  readonly created_at: string;
  readonly head_seq: number;
  readonly head_rev: number;
  readonly unread_count: number;
  readonly last_message: Message | null;
  readonly member_user_ids: readonly string[];
  /** Only of a conversation by itself, not in a list. */
  readonly members?: readonly Member[];
}

export interface Changes {
  readonly messages: readonly Message[];
  readonly members: readonly Member[];
  readonly conversation?: BareConversation;
}

export interface JoinedUser {
  readonly generation: number;
  readonly resumed: boolean;
}

export interface JoinedConversation {
  readonly conversation: BareConversation;
  readonly head_seq: number;
  readonly head_rev: number;
  readonly generation: number;
  readonly resumed?: boolean;
  readonly changes?: Changes;
  readonly marks?: readonly Mark[];
  /** False: the group is large, and these are some of them. */
  readonly marks_complete?: false;
}

/** Every push about a conversation names it; `rev` where all members see the change. */
export interface Push {
  readonly conversation_id: string;
  readonly rev: number;
}

export interface MembersPush extends Push {
  readonly event: "member_added" | "member_removed" | "member_left" | "member_role_updated";
  readonly user_id: string;
  /** Where one command changed several alike: all of them, of whom `member` is the first. */
  readonly user_ids?: readonly string[];
  readonly actor_id: string;
  readonly member: Member;
}

export interface SettingsPush extends Push {
  readonly conversation: BareConversation;
  /** Unknown where the server read the change from its store. */
  readonly actor_id?: string | null;
}

export interface ReactionPush extends Push {
  readonly message_id: string;
  readonly seq: number;
  readonly user_id: string;
  readonly reaction: string;
}

export interface StatusPush {
  readonly conversation_id: string;
  readonly seq: number;
  readonly user_id: string | null;
  readonly status: Status;
}

export interface TypingPush {
  readonly conversation_id: string;
  readonly user_id: string;
  readonly typing: boolean;
}
