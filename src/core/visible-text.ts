/**
 * One rule for the short texts by which people tell things apart: names of conversations, and reactions. What messages say is opaque, and not
 * held to it. The sets are those of Unicode, in the version that the runtime knows.
 */

/** A line break is one as well: these texts are shown in one line. */
const control = /[\p{Cc}\u2028\u2029]/u;

/** They reorder the text around them, so that it looks like another one. No emoji needs one. */
const bidirectionalControl = /\p{Bidi_Control}/u;

/**
 * A character that shows something by itself. Not white space, what is ignored unless a font knows better (joiners, variation selectors, tags,
 * Hangul fillers), formats, unassigned code points and marks without their letter; nor the blanks that Unicode counts as letters and symbols:
 * braille, the null notehead, two hieroglyphs. Emoji of later versions of Unicode are known by the places that are kept for them.
 */
const visible =
  /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{C}\p{M}\u2800\u{1D159}\u{13441}\u{13442}]|\p{Extended_Pictographic}|\p{Co}/u;

/** Returns what is wrong with a text, in words for its sender; null: nothing. Invisible characters are part of many emoji and scripts, and may stand beside visible ones. */
export function visibleTextProblem(text: string): string | null {
  if (!text.isWellFormed()) return "must not hold unpaired surrogates";
  if (control.test(text)) return "must not hold control characters or line breaks";
  if (bidirectionalControl.test(text))
    return "must not hold bidirectional controls (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069)";
  if (!visible.test(text))
    return "must hold a visible character: white space, invisible characters and marks without a letter show nothing";
  return null;
}
