drop table conversation_ownership;
drop table messages;
drop table conversation_heads;
drop table conversation_members;
drop table conversations;
