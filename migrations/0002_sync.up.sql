-- oldest binary: 0.2.0
-- Many devices: what changed after it was written, who was a member of which part of the log, marks, and what each device has confirmed.

-- stage: short
alter table messages
  -- The revision at which the message entered the log; `rev` is that of its last change.
  add column created_rev bigint,
  add column edited_at  timestamptz,
  add column edit_count integer not null default 0,
  -- A tombstone: content and metadata are erased, the row keeps its place in the log.
  add column deleted_at timestamptz;

-- stage: batches over messages
update :table set created_rev = rev where created_rev is null and :range;

-- From here on nobody writes a message without it.
-- stage: short
alter table messages add constraint messages_created_rev_known check (created_rev is not null) not valid;

-- What was written during the first pass.
-- stage: batches over messages
update :table set created_rev = rev where created_rev is null and :range;

-- stage: concurrently
alter table messages validate constraint messages_created_rev_known;

-- stage: concurrently on each partition of messages
create index concurrently if not exists :partition_conversation_id_rev_idx on :partition (conversation_id, rev) where rev <> created_rev;

-- With both columns, a look-up of one membership costs the same by whichever index it is planned: by user alone, that of a user with very
-- many conversations would read them all. Not partial: to plans made on empty tables a partial one looks cheaper than the primary key.
-- stage: concurrently
create index concurrently if not exists conversation_members_by_user_and_conversation on conversation_members (user_id, conversation_id);

-- stage: short
-- The constraint spares it a look at every row.
alter table messages alter column created_rev set not null;
alter table messages drop constraint messages_created_rev_known;

-- Rows that changed after their creation: what a difference finds besides the newest messages.
create index messages_changed on only messages (conversation_id, rev) where rev <> created_rev;
do $$
begin
  for part in 0..15 loop
    execute format('alter index messages_changed attach partition messages_p%s_conversation_id_rev_idx', part);
  end loop;
end
$$;

alter table conversations
  -- The revision of the last change of its settings.
  add column rev bigint not null default 0;

alter table conversation_heads
  -- A cursor below it cannot be resumed from: what it would need was purged.
  add column horizon_rev  bigint not null default 0,
  -- The head when this store's generation began (a restored backup): cursors beyond it may come from a log that is gone.
  add column restored_rev bigint not null default 0;

-- A member sees the messages after joined_seq, up to left_seq. A mark is the highest seq that the member has received, or read.
alter table conversation_members
  add column joined_seq    bigint not null default 0,
  add column joined_rev    bigint not null default 0,
  add column left_seq      bigint,
  add column left_at       timestamptz,
  add column rev           bigint not null default 0,
  add column delivered_seq bigint not null default 0,
  add column read_seq      bigint not null default 0,
  -- Marks move once per second: room on the page, and no index on them, keep that HOT.
  set (fillfactor = 70);
drop index conversation_members_by_user;
alter index conversation_members_by_user_and_conversation rename to conversation_members_by_user;

-- When a member's mark moved over a range of messages: their times, without a row per message and member. What was received only by being
-- read has the range of reading alone.
create table delivery_statuses (
  conversation_id uuid not null,
  user_id         uuid not null,
  kind            text not null check (kind in ('delivered', 'read')),
  from_seq        bigint not null,
  to_seq          bigint not null,
  -- Of the flush, at most a second after the fact.
  at              timestamptz not null,
  primary key (conversation_id, user_id, kind, from_seq),
  check (from_seq <= to_seq)
);

-- One row per message and recipient, with exact times.
create view message_delivery_statuses as
select m.id as message_id, m.conversation_id, m.seq, r.user_id,
  coalesce(case when delivered.to_seq >= m.seq then delivered.at end, read.at) as delivered_at, read.at as read_at
from messages m
join conversation_members r on r.conversation_id = m.conversation_id and r.user_id <> m.sender_id
  and r.joined_seq < m.seq and (r.left_seq is null or r.left_seq >= m.seq)
left join lateral (
  select at, to_seq from delivery_statuses s
  where s.conversation_id = m.conversation_id and s.user_id = r.user_id and s.kind = 'delivered' and s.from_seq <= m.seq
  order by s.from_seq desc limit 1) delivered on r.delivered_seq >= m.seq
left join lateral (
  select at from delivery_statuses s
  where s.conversation_id = m.conversation_id and s.user_id = r.user_id and s.kind = 'read' and s.from_seq <= m.seq
  order by s.from_seq desc limit 1) read on r.read_seq >= m.seq;

-- Private state: told to its user only, numbered by a counter of the user's own.
create table own_revs (
  user_id uuid primary key,
  own_rev bigint not null
);
create table conversation_settings (
  user_id         uuid not null,
  conversation_id uuid not null references conversations (id),
  own_rev         bigint not null,
  -- Marked as unread from this message on; null: not marked.
  unread_from_seq bigint,
  primary key (user_id, conversation_id)
);

-- A device that was seen: what it has not confirmed waits for it.
create table devices (
  user_id       uuid not null,
  device_id     text not null,
  -- Of the store, when the device last confirmed anything.
  generation    bigint not null,
  first_seen_at timestamptz not null,
  primary key (user_id, device_id)
);
-- A conversation without a row here starts at the member's joined_rev.
create table device_cursors (
  user_id         uuid not null,
  device_id       text not null,
  conversation_id uuid not null,
  seq             bigint not null,
  rev             bigint not null,
  primary key (user_id, device_id, conversation_id)
) with (fillfactor = 70);

-- Which history of the database this is: renewed when it was restored or promoted.
create table store_generation (
  is_only           boolean primary key default true check (is_only),
  generation        bigint not null,
  system_identifier text,
  timeline          bigint,
  started_at        timestamptz not null
);
insert into store_generation (generation, started_at) values (1, now());
