import type { Config } from "../src/config.ts";
import { pageFiles } from "../src/playground/page-files.ts";
import { pageRoutes, type SampleUser } from "../src/playground/page-routes.ts";
import type { ExtraRoutes } from "../src/web/endpoint-options.ts";

/** Returns the routes of the playground. Without sample users a visitor pastes a token. */
export async function playground(
  users: readonly SampleUser[],
  { tokens: { subjectNamespace } }: Config,
): Promise<ExtraRoutes> {
  return pageRoutes({ files: await pageFiles(), users, subjectNamespace });
}
