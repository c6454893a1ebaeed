import { expect, it } from 'vitest';
import { escapeUnprintable } from '../../src/base/unprintable.ts';
import { clean } from '../../src/cli/text.ts';
import { quoteValue } from '../../src/config/fault.ts';
import { createLogger } from '../../src/io/log.ts';
import { quoted } from '../../src/wire/quote.ts';

const MARKS = [
  ['an escape', '\u001b'],
  ['the escape of C1', '\u009b'],
  ['an Arabic letter mark', '\u061c'],
  ['a right-to-left mark', '\u200f'],
  ['a line separator', '\u2028'],
  ['an override of direction', '\u202e'],
  ['an isolate', '\u2067'],
  ['a byte order mark', '\ufeff'],
  ['half of a character', '\ud83d'],
  ['a tag', '\u{e0041}'],
] as const;

it.each(MARKS)('%s is escaped wherever a text is shown', (_, mark) => {
  const hostile = `a${mark}b`;
  const shown = [
    escapeUnprintable(hostile),
    clean(hostile),
    quoteValue(hostile),
    quoted(hostile),
    logged(hostile),
  ];
  for (const text of shown) expect(text).toMatch(/a\\[xu][0-9a-f\\u{}]+b/);
  for (const text of shown) expect(text).not.toContain(mark);
});

function logged(message: string): string {
  let line = '';
  const write = (text: string): void => {
    line += text;
  };
  // Colours are escapes, too.
  createLogger({ level: 'info', pretty: true, color: false, write }).log('info', message);
  return line;
}

it('letters of all scripts, and emoji, stay', () => {
  expect(escapeUnprintable('Käthe עברית 😀')).toBe('Käthe עברית 😀');
  expect(escapeUnprintable('\u202e\u{e0041}')).toBe('\\u202e\\udb40\\udc41');
});
