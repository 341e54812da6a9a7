-- consequence: users who were asked whether they accept a conversation become plain members of it: they show in it, and can be written to
-- consequence: users who left a group or declined a conversation by themselves can be added again at once
drop index direct_pairs_blocked_low, direct_pairs_blocked_high;
alter table conversation_members
  drop column pending, drop column stays_out_until;
