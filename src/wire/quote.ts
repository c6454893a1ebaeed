// Text from the wire, made fit for a line that people read.

import { escapeUnprintable } from '../base/unprintable.ts';

/** A JSON string in which nothing is left that is not to be printed. At most 64 characters of the text. */
export function quoted(text: string): string {
  return escapeUnprintable(JSON.stringify(text.slice(0, 64)));
}
