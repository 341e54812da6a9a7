drop table store_generation;
drop table device_cursors;
drop table devices;
drop table conversation_settings;
drop table own_revs;
drop view message_delivery_statuses;
drop table delivery_statuses;
drop index conversation_members_by_user;
create index conversation_members_by_user on conversation_members (user_id);
-- Former members are unknown to the schema below: who left stays out.
delete from conversation_members where left_seq is not null;
alter table conversation_members
  drop column joined_seq, drop column joined_rev, drop column left_seq, drop column left_at, drop column rev,
  drop column delivered_seq, drop column read_seq, reset (fillfactor);
alter table conversation_heads drop column horizon_rev, drop column restored_rev;
alter table conversations drop column rev;
drop index messages_changed;
alter table messages drop column created_rev, drop column edited_at, drop column edit_count, drop column deleted_at;
