-- Who is blocked stays out of the conversation: the schema below does not know why.
drop table direct_pairs;
