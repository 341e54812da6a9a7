drop table message_reactions;
alter table messages
  drop column reply_to_seq, drop column relations, drop column changed_by;
