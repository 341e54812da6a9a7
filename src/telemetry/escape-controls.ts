/**
 * Writes control characters but line ends and tabs as JSON may write them (`\u001b`), so that no text moves a cursor or hides a line. JSON itself
 * leaves U+007F to U+009F as they are; U+009B is to a terminal what ESC [ is.
 */
export function escapeControls(text: string): string {
  return text.replace(control, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return `\\u${code.padStart(4, "0")}`;
  });
}

const control = /[^\P{Cc}\n\t]/gu;
