import { asyncApiText, openApiText } from "../../operations/documents/texts.ts";
import type { ExtraRoutes } from "../endpoint-options.ts";
import { pagePrefixes, textRoute } from "../pages/page-routes.ts";

/** The API documents, for everybody: `/openapi.json` and `/asyncapi.json`. Made when they are asked for first. */
export function documentRoutes(version: string): ExtraRoutes {
  const documents = [
    ["/openapi.json", once(() => openApiText(version))],
    ["/asyncapi.json", once(() => asyncApiText(version))],
  ] as const;
  return new Map(
    pagePrefixes.flatMap((prefix) =>
      documents.map(
        ([path, answer]) => [`GET ${prefix}${path}`, (request: Request) => answer()(request)] as const,
      ),
    ),
  );
}

function once(textOf: () => string): () => (request: Request) => Response {
  let route: ReturnType<typeof textRoute> | undefined;
  return () => {
    route ??= textRoute("application/json; charset=utf-8", textOf());
    return route;
  };
}
