// Characters that are not to reach a line for people as they came: controls, which a terminal obeys, marks that are not seen or
// turn the direction of writing, separators of lines and paragraphs, and halves of characters.

export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const ALL = new RegExp(UNPRINTABLE, 'gu');

/** Each of them as JSON would write it, `\u202e`; two of these for one beyond U+FFFF. */
export function escapeUnprintable(text: string): string {
  return text.replace(ALL, (mark) =>
    mark
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
