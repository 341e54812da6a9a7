import { lookedUpQuery } from "../asked.ts";
import { ignoredParameter } from "../query-fields.ts";

/** Of requests about a message's reactions and attachments. The existing client names itself in it; the token says who that is. */
export const relationQuery = {
  ...lookedUpQuery,
  user_id: ignoredParameter("Accepted and not read: the token says who asks."),
};
