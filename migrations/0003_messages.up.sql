-- oldest binary: 0.3.0
-- What messages are to each other and what members make of them: replies, references to media, reactions.

-- What few messages have and no statement looks into shares a column: a plan that is made on empty tables guesses their rows by their width,
-- and beyond 244 bytes of it takes messages_dedup for as good as the primary key (plans.test.ts).
alter table messages
  -- The message that this one answers, of the same conversation and before it. What it says is read there, as it is now.
  add column reply_to_seq bigint,
  -- JSON text of an object: the id of the message that this one answers, the media that it refers to; null: neither.
  add column relations    bytea,
  -- The command that wrote the present `rev`; null: the one that sent the message. By it a change is known to be stored.
  add column changed_by   uuid;

-- Who made what of a message. A row goes when it is taken back, and with the content of its message.
create table message_reactions (
  conversation_id uuid not null,
  seq             bigint not null,
  user_id         uuid not null,
  reaction        text collate "C" not null,
  id              uuid not null,
  -- Strictly increasing within a message.
  reacted_at      timestamptz not null,
  primary key (conversation_id, seq, user_id, reaction)
);
