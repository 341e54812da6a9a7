import { asyncApiDocument } from "./asyncapi.ts";
import { openApiDocument } from "./openapi.ts";

/** The documents as they are served and printed, the same bytes. */

export function openApiText(version: string): string {
  return textOf(openApiDocument(version));
}

export function asyncApiText(version: string): string {
  return textOf(asyncApiDocument(version));
}

function textOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
