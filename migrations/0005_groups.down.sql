-- consequence: blocked users stay out of their direct conversations, and unblocking them does not let them back in
drop table direct_pairs;
