import type { ExtraRoutes } from "../src/web/endpoint-options.ts";
import { pageFiles } from "../src/web/playground/page-files.ts";
import { pageRoutes, type SampleUser } from "../src/web/playground/page-routes.ts";

/** The page as routes. Without sample users a visitor brings a token. */
export async function playground(users: readonly SampleUser[]): Promise<ExtraRoutes> {
  return pageRoutes({ files: await pageFiles(), users });
}
