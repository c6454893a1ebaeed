import { describe, expect, test } from 'vitest';
import { globMatches, literalPattern } from '../../src/base/glob.ts';

describe('port globs', () => {
  test.each([
    ['p*', 'p1', true],
    ['p*', 'p', true],
    ['p*', 'q1', false],
    ['*', 'anything', true],
    ['p?', 'p1', true],
    ['p?', 'p12', false],
    ['p[1-3]', 'p2', true],
    ['p[1-3]', 'p4', false],
    ['p[!1-3]', 'p4', true],
    ['p[!1-3]', 'p2', false],
    ['p[ab-]', 'p-', true],
    ['p[3-1]', 'p2', false],
    ['p[', 'p[', true],
    ['*.100', 'eth0.100', true],
    ['*.100', 'eth0x100', false],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['e.h', 'eth', false],
    ['', '', true],
    ['', 'p', false],
  ])('%j against %j', (pattern, name, matches) => {
    expect(globMatches(pattern, name)).toBe(matches);
  });

  test.each(['p1', 'a*b', 'a?', '[', ']', '[]', '[a]b', 'a[!b]', '**', 'p[1-3]', 'p\\*'])(
    'the literal pattern of %j matches it and nothing else',
    (name) => {
      for (const other of [
        'p1',
        'p2',
        'a*b',
        'axb',
        'a?',
        'ab',
        '[',
        ']',
        '[]',
        '[a]b',
        'a[!b]',
        'ac',
        '**',
        'x',
      ])
        expect(globMatches(literalPattern(name), other)).toBe(other === name);
      expect(globMatches(literalPattern(name), name)).toBe(true);
    },
  );

  test('a hostile pattern costs no more than its length times the name', () => {
    const start = performance.now();
    expect(globMatches(`${'*a'.repeat(30)}b`, 'a'.repeat(64))).toBe(false);
    expect(performance.now() - start).toBeLessThan(50);
  });
});
