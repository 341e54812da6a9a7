-- oldest binary: 0.1.0
-- Conversations, their members and heads, and the log. Times are timestamptz; what clients send is bytea, never a json type.

create table conversations (
  id          uuid primary key,
  type        text not null check (type in ('direct', 'group')),
  metadata    bytea not null default '{}',
  is_active   boolean not null default true,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  -- The pair of a direct conversation, in order: one conversation per pair.
  direct_low  uuid,
  direct_high uuid,
  check ((type = 'direct') = (direct_low is not null and direct_high is not null)),
  check (direct_low < direct_high),
  unique (direct_low, direct_high)
);

create table conversation_members (
  conversation_id uuid not null references conversations (id),
  user_id         uuid not null,
  role            text not null check (role in ('owner', 'admin', 'moderator', 'member')),
  joined_at       timestamptz not null,
  primary key (conversation_id, user_id)
);
create index conversation_members_by_user on conversation_members (user_id);

-- One row per conversation, written once per conversation and batch. Room on the page keeps its updates HOT.
create table conversation_heads (
  conversation_id uuid primary key references conversations (id),
  seq             bigint not null default 0,
  rev             bigint not null default 0,
  members_rev     bigint not null default 0,
  last_message_at timestamptz
) with (fillfactor = 50);

create table messages (
  id              uuid not null,
  conversation_id uuid not null,
  seq             bigint not null,
  rev             bigint not null,
  sender_id       uuid not null,
  message_type    smallint not null,
  content         bytea not null,
  metadata        bytea not null,
  client_random   bigint,
  -- client_random while it holds the sender's key (24 h); null afterwards, and for sends without one.
  dedup_key       bigint,
  sent_at         timestamptz not null,
  primary key (conversation_id, seq)
) partition by hash (conversation_id);

do $$
begin
  for part in 0..15 loop
    execute format('create table messages_p%s partition of messages for values with (modulus 16, remainder %s)', part, part);
  end loop;
end
$$;

create unique index messages_dedup on messages (conversation_id, sender_id, dedup_key);
create index messages_by_id on messages (id);

-- Who may write for a shard. unique (shard, epoch) makes a change of epoch a key update, which conflicts with the fence's KEY SHARE.
create table conversation_ownership (
  shard smallint primary key check (shard between 0 and 4095),
  node  uuid,
  epoch bigint not null,
  unique (shard, epoch)
);
insert into conversation_ownership (shard, node, epoch) select shard, null, 0 from generate_series(0, 4095) shard;
