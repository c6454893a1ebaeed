// The client's EAP identity is the one text here that a stranger chooses freely. It goes to RADIUS as the octets that
// came, and to people only through `printable`; a server's Reply-Message goes the same way.

import { fromUtf8 } from '../base/bytes.ts';

/** A User-Name attribute holds no more (RFC 2865 §5.1), so a longer identity could not be relayed. */
export const IDENTITY_MAX_OCTETS = 253;

const SHOWN_CHARACTERS = 64;

/**
 * For logs and `explain`: quoted, at most 64 characters, controls and everything that could move a cursor or reorder
 * a line (bidirectional marks, separators, lone surrogates) as \uXXXX.
 */
export function printable(text: Uint8Array): string {
  const characters = [...fromUtf8(text)];
  const shown = characters
    .slice(0, SHOWN_CHARACTERS)
    .map((c) => (/[\p{L}\p{N}\p{P}\p{S} ]/u.test(c) && c !== '"' && c !== '\\' ? c : escaped(c)))
    .join('');
  return `"${shown}"${characters.length > SHOWN_CHARACTERS ? '…' : ''}`;
}

function escaped(character: string): string {
  let out = '';
  for (let i = 0; i < character.length; i++) {
    out += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return out;
}
