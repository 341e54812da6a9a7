drop index direct_pairs_blocked_low, direct_pairs_blocked_high;
alter table conversation_members
  drop column pending, drop column stays_out_until;
