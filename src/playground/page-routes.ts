import type { ExtraRoutes } from "../web/endpoint-options.ts";
import type { PageFiles } from "../web/pages/page-files.ts";
import { pagePrefixes, pageRoutes, textRoute } from "../web/pages/page-routes.ts";

/** A user that a visitor may be without a token; only `dev` has such users. */
export interface SampleUser {
  readonly id: string;
  readonly name: string;
}

/** Returns the routes of the playground: the page, its script and style, and the sample users. */
export function playgroundRoutes(options: {
  readonly files: PageFiles;
  readonly users: readonly SampleUser[];
  /** By which the page knows the user id of a pasted token whose subject is not a UUID. */
  readonly subjectNamespace: string | null;
}): ExtraRoutes {
  const { files, users, subjectNamespace } = options;
  const text = JSON.stringify({ users, subject_namespace: subjectNamespace });
  const route = textRoute("application/json; charset=utf-8", text);
  const named = pagePrefixes.map((prefix) => [`GET ${prefix}/playground/users`, route] as const);
  return new Map([...pageRoutes("/playground", files), ...named]);
}
