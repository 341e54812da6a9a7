import { expect, test } from "bun:test";
import { asyncApiText, openApiText } from "../../operations/documents/texts.ts";
import { documentRoutes } from "./documents.ts";

const routes = documentRoutes("1.2.3");

function ask(path: string, headers: Readonly<Record<string, string>> = {}) {
  const request = new Request(`http://server${path}`, { headers });
  return routes.get(`GET ${path}`)!(request);
}

test.each([
  ["/openapi.json", openApiText],
  ["/asyncapi.json", asyncApiText],
] as const)("%s is the document that the command prints, also behind gateways", async (path, textOf) => {
  for (const prefix of ["", "/messaging"]) {
    const answer = await ask(prefix + path);
    expect([answer.status, await answer.text()]).toEqual([200, textOf("1.2.3")]);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  }
});

test("a client that has the document of this version is not sent it again", async () => {
  const etag = (await ask("/openapi.json")).headers.get("etag")!;
  const again = await ask("/openapi.json", { "if-none-match": etag });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const weakened = await ask("/openapi.json", { "if-none-match": `"other", W/${etag}` });
  expect(weakened.status).toBe(304);
  expect((await ask("/asyncapi.json", { "if-none-match": etag })).status).toBe(200);
});
