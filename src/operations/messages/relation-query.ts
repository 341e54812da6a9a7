import { lookedUpQuery } from "../asked.ts";
import { ignoredParameter } from "../query-fields.ts";

/** The query of requests about a message's reactions and attachments. The existing client names its user there; only the token is believed. */
export const relationQuery = {
  ...lookedUpQuery,
  user_id: ignoredParameter("Accepted and not read: the token says who asks."),
};
