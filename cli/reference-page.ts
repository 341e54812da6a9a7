import { referencePage } from "../src/reference/reference-page.ts";
import type { ExtraRoutes } from "../src/web/endpoint-options.ts";
import { pageFilesOf } from "../src/web/pages/page-files.ts";
import { pageRoutes } from "../src/web/pages/page-routes.ts";

/** The API reference at `/docs`. */
export async function referenceRoutes(): Promise<ExtraRoutes> {
  return pageRoutes("/docs", await pageFilesOf(referencePage));
}
