import type { Config } from "../src/config.ts";
import { playgroundPage } from "../src/playground/page-files.ts";
import { playgroundRoutes, type SampleUser } from "../src/playground/page-routes.ts";
import type { ExtraRoutes } from "../src/web/endpoint-options.ts";
import { pageFilesOf } from "../src/web/pages/page-files.ts";

/** Returns the routes of the playground. Without sample users a visitor pastes a token. */
export async function playground(
  users: readonly SampleUser[],
  { tokens: { subjectNamespace } }: Config,
): Promise<ExtraRoutes> {
  return playgroundRoutes({ files: await pageFilesOf(playgroundPage), users, subjectNamespace });
}
