// A configuration that is too large for `config check` and `config apply`.

import { MAX_COMMAND_OCTETS, MAX_CONFIG_CHARACTERS } from '../report/command-schemas.ts';

export const LARGEST_FILE = 'of up to about 60,000 characters, fewer with many quotes';

/** What to do instead, where no command holds the text; undefined where one does. */
export function tooLarge(action: 'check' | 'apply', file: string, text: string): string | undefined {
  const octets = Buffer.byteLength(JSON.stringify({ verb: 'config', [action]: text }));
  if (octets <= MAX_COMMAND_OCTETS && text.length <= MAX_CONFIG_CHARACTERS) return undefined;
  const instead =
    action === 'check'
      ? `\`rollcall check -c ${file}\` on the switch takes it`
      : 'lay it in place and send SIGHUP (systemctl reload rollcall)';
  return `${file} is too large for a command: ${instead}`;
}
