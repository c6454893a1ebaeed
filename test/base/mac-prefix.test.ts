import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAC_SPELLINGS, type Mac, macFromNumber, spellMac } from '../../src/base/mac.ts';
import { MacPrefixTable, macPrefixText, parseMacPrefix } from '../../src/base/mac-prefix.ts';

const MAC = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map(macFromNumber);

describe('any spelling of any length', () => {
  it.each([
    ['00:50:56', '00:50:56:00:00:00/24'],
    ['00-50-56', '00:50:56:00:00:00/24'],
    ['0050.56', '00:50:56:00:00:00/24'],
    ['005056', '00:50:56:00:00:00/24'],
    ['005056-', '00:50:56:00:00:00/24'],
    ['00:50:56:*', '00:50:56:00:00:00/24'],
    ['005056*', '00:50:56:00:00:00/24'],
    ['70:B3:D5:12:3', '70:b3:d5:12:30:00/36'],
    ['AABBCC-D', 'aa:bb:cc:d0:00:00/28'],
    ['aabb.ccdd.eeff', 'aa:bb:cc:dd:ee:ff/48'],
    ['a', 'a0:00:00:00:00:00/4'],
    ['02:00:00:00:00:00/7', '02:00:00:00:00:00/7'],
    ['ff:ff/9', 'ff:80:00:00:00:00/9'],
    [' 00:50:56 ', '00:50:56:00:00:00/24'],
  ])('%s', (text, canonical) => {
    const prefix = parseMacPrefix(text);
    expect(prefix && macPrefixText(prefix)).toBe(canonical);
  });

  it('of every MAC in every spelling, cut anywhere', () => {
    fc.assert(
      fc.property(
        MAC,
        fc.constantFrom(...MAC_SPELLINGS),
        fc.integer({ min: 1, max: 17 }),
        (mac, spelling, cut) => {
          const text = spellMac(mac, spelling).slice(0, cut);
          const prefix = parseMacPrefix(text);
          const digits = text.replace(/[^0-9a-f]/gi, '').toLowerCase();
          expect(prefix?.bits).toBe(4 * digits.length);
          expect(prefix && macPrefixText(prefix).replaceAll(':', '').slice(0, digits.length)).toBe(digits);
        },
      ),
    );
  });

  it.each([
    ...['', '*', ':', '00:5056', '00:50-56', 'zz:00', '00::56', '00:50:56/0', '00:50:56/25', '00:50:56/x'],
    ...['0050565656565', '00:50:56:00:00:00:00', '1:2:3', '00:50:56**', '00:*:56', '00 50 56', '0005.056.1'],
  ])('%j is none', (text) => {
    expect(parseMacPrefix(text)).toBeUndefined();
  });
});

describe('what is said of addresses by their beginnings', () => {
  const prefix = (text: string) => {
    const parsed = parseMacPrefix(text);
    if (parsed === undefined) throw new Error(text);
    return parsed;
  };
  const table = new MacPrefixTable<string>([
    [prefix('00:50'), 'short'],
    [prefix('00:50:56'), 'long'],
    [prefix('00:50:56'), 'second'],
    [prefix('00:50:56:00:00:01'), 'one'],
    [prefix('02:00/7'), 'odd'],
  ]);

  it.each([
    ['00:50:56:00:00:01', 'one'],
    ['00:50:56:00:00:02', 'long'],
    ['00:50:57:00:00:01', 'short'],
    ['03:ff:ff:ff:ff:ff', 'odd'],
    ['01:50:56:00:00:01', undefined],
  ])('%s: %s', (mac, found) => {
    expect(table.find(mac as Mac)).toBe(found);
  });
});
