drop table user_last_seen;
