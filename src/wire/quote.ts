// Text from the wire, made fit for a line that people read.

/**
 * A JSON string with every control and direction character escaped: C0 as JSON does it, and DEL, C1 (a terminal takes
 * U+009B for an escape sequence) and Unicode's line and direction marks too. At most 64 characters of the text.
 */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64)).replaceAll(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
