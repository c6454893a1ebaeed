// The word of a form, how much a visitor may ask for, and one login, each by itself.

import { describe, expect, it } from 'vitest';
import { instant, NEVER, seconds } from '../../src/base/time.ts';
import type { Pace } from '../../src/base/token-bucket.ts';
import type { Authorization } from '../../src/model/authorization.ts';
import { Allowance } from '../../src/web/allowance.ts';
import { Attempt } from '../../src/web/attempt.ts';
import { FormTokens } from '../../src/web/form-token.ts';

import { Shares } from '../../src/web/shares.ts';
import type { Standing } from '../../src/web/visit.ts';

const at = (s: number) => instant(s * 1000);

describe('the word of a form', () => {
  const tokens = new FormTokens(Uint8Array.of(1, 2, 3), seconds(60));
  const word = tokens.issue('logout a', at(100));

  it('is good for what it was made for, for as long as it lives', () => {
    expect(tokens.isValid(word, 'logout a', at(100))).toBe(true);
    expect(tokens.isValid(word, 'logout a', at(160))).toBe(true);
    expect(tokens.isValid(word, 'logout a', at(161))).toBe(false);
    expect(tokens.isValid(word, 'logout b', at(100))).toBe(false);
    expect(tokens.isValid(word, 'login a', at(100))).toBe(false);
  });

  it('is nobody else’s: not of another run, not with another time, not with another digit', () => {
    expect(new FormTokens(Uint8Array.of(9), seconds(60)).isValid(word, 'logout a', at(100))).toBe(false);
    const [, digest = ''] = word.split('-');
    expect(tokens.isValid(`${(150).toString(36)}-${digest}`, 'logout a', at(150))).toBe(false);
    const last = word.at(-1) === '0' ? '1' : '0';
    expect(tokens.isValid(word.slice(0, -1) + last, 'logout a', at(100))).toBe(false);
  });

  it.each([
    '',
    '-',
    'x',
    `${'z'.repeat(12)}-${'0'.repeat(32)}`,
    `1-${'g'.repeat(32)}`,
    `${word} `,
    `${word}${word}`,
  ])('is not %j', (text) => expect(tokens.isValid(text, 'logout a', at(100))).toBe(false));
});

describe('an allowance', () => {
  const PLENTY = { burst: 1e9, perSecond: 1e9 };
  const make = (ofPlace: Pace = PLENTY) =>
    new Allowance({ ofOne: { burst: 3, perSecond: 1 }, ofPlace, ofAll: { burst: 5, perSecond: 10 } });

  it('of one: a burst, then one a second', () => {
    const allowance = make();
    for (let i = 0; i < 3; i++) expect(allowance.take('a', 'p1', at(0))).toBe(0);
    expect(allowance.take('a', 'p1', at(0))).toBe(1000);
    expect(allowance.take('a', 'p1', at(0.4))).toBe(600);
    expect(allowance.take('a', 'p1', at(1))).toBe(0);
    expect(allowance.take('a', 'p1', at(1))).toBe(1000);
    expect(allowance.take('b', 'p1', at(1))).toBe(0);
  });

  it('of all: many who ask a little are too many, too', () => {
    const allowance = make();
    for (let i = 0; i < 5; i++) expect(allowance.take(`v${i}`, 'p1', at(0))).toBe(0);
    expect(allowance.take('v5', 'p1', at(0))).toBe(100);
    expect(allowance.take('v5', 'p1', at(0.1))).toBe(0);
  });

  it('of a place: many who ask from there take nothing from the others', () => {
    const allowance = make({ burst: 4, perSecond: 1 });
    for (let i = 0; i < 4; i++) expect(allowance.take(`v${i}`, 'p1', at(0))).toBe(0);
    for (let i = 4; i < 60; i++) expect(allowance.take(`v${i}`, 'p1', at(0))).toBe(1000);
    expect(allowance.take('a', 'p2', at(0))).toBe(0);
  });

  it('is not spent by what was refused', () => {
    const allowance = make();
    for (let i = 0; i < 3; i++) allowance.take('a', 'p1', at(0));
    for (let i = 0; i < 50; i++) expect(allowance.take('a', 'p1', at(0))).toBeGreaterThan(0);
    expect(allowance.take('b', 'p1', at(0))).toBe(0);
    expect(allowance.take('b', 'p1', at(0))).toBe(0);
  });

  it('of another size holds at once, for who has come before too', () => {
    const allowance = make();
    allowance.take('a', 'p1', at(0));
    allowance.configure({ ofOne: { burst: 1, perSecond: 0.5 }, ofPlace: PLENTY, ofAll: PLENTY });
    expect(allowance.take('a', 'p1', at(0))).toBe(0);
    expect(allowance.take('a', 'p1', at(0))).toBe(2000);
  });

  it('forgets who has not come for longest, and stays small', () => {
    const allowance = new Allowance({
      ofOne: { burst: 1, perSecond: 1 / 60 },
      ofPlace: PLENTY,
      ofAll: PLENTY,
    });
    for (let i = 0; i < 5000; i++) allowance.take(`v${i}`, 'p1', at(0));
    expect((Reflect.get(allowance, 'visitors') as Map<string, unknown>).size).toBe(1024);
    expect(allowance.take('v4999', 'p1', at(0))).toBeGreaterThan(0);
    expect(allowance.take('v0', 'p1', at(0))).toBe(0);
  });
});

describe('the connections', () => {
  const OUT = { place: 'p1', isIn: false };

  it('of one client, of one port, and of all who are not in: the others have theirs', () => {
    const shares = new Shares(64);
    const open = (prefix: string, standing: Standing) => {
      const leaves: (() => void)[] = [];
      for (let i = 0; i < 640; i++) {
        const leave = shares.enter(`${prefix}${i % 64}`, standing);
        if (leave !== undefined) leaves.push(leave);
      }
      return leaves;
    };
    const mine = Array.from({ length: 20 }, () => shares.enter('a', OUT));
    expect(mine.filter((leave) => leave !== undefined)).toHaveLength(8);
    expect(open('b', OUT)).toHaveLength(8);
    expect(open('c', { ...OUT, place: 'p2' })).toHaveLength(16);
    expect(open('d', { ...OUT, place: 'p3' })).toHaveLength(16);
    expect(open('e', { ...OUT, place: 'p4' })).toHaveLength(0);
    const users = open('f', { ...OUT, isIn: true });
    expect(users).toHaveLength(16);
    expect(shares.enter('g', { place: 'p9', isIn: true })).toBeUndefined();
    for (const leave of [...mine, ...users]) leave?.();
    expect(shares.enter('g', { place: 'p9', isIn: true })).toBeDefined();
    expect(open('a', OUT)).toHaveLength(8);
  });
});

describe('a login', () => {
  const authorization = { userName: 'alice' } as Authorization;
  const begun = () => {
    const attempt = new Attempt(seconds(30));
    expect(attempt.start(at(0))).toEqual([{ type: 'ask' }]);
    return attempt;
  };

  it('accepted, granted: in, once', () => {
    const attempt = begun();
    const accept = { type: 'verdict', verdict: { type: 'accept', authorization } } as const;
    expect(attempt.handle(accept, at(1))).toEqual([{ type: 'admit', authorization }]);
    expect(attempt.handle(accept, at(1))).toEqual([]);
    expect(attempt.pollAt()).toBe(NEVER);
    expect(attempt.handle({ type: 'grant-done' }, at(2))).toEqual([
      { type: 'over', outcome: { type: 'in' } },
    ]);
    for (const event of [{ type: 'grant-done' }, { type: 'tick' }, { type: 'gone', detail: 'x' }] as const)
      expect(attempt.handle(event, at(99))).toEqual([]);
  });

  it.each([
    [
      { type: 'reject', replyMessage: 'no' },
      { type: 'refused', replyMessage: 'no' },
    ],
    [{ type: 'reject' }, { type: 'refused' }],
    [{ type: 'no-answer' }, { type: 'no-server' }],
    [
      { type: 'challenge' },
      { type: 'not-possible', detail: expect.stringContaining('more than a password') },
    ],
  ] as const)('%j: %j', (verdict, outcome) => {
    expect(begun().handle({ type: 'verdict', verdict }, at(1))).toEqual([{ type: 'over', outcome }]);
  });

  it('a server that does not answer in its time, and does afterwards', () => {
    const attempt = begun();
    expect(attempt.pollAt()).toBe(30_000);
    expect(attempt.handle({ type: 'tick' }, instant(29_999))).toEqual([]);
    expect(attempt.handle({ type: 'tick' }, at(30))).toEqual([
      { type: 'cancel', reason: 'unanswered' },
      { type: 'over', outcome: { type: 'no-server' } },
    ]);
    expect(attempt.handle({ type: 'verdict', verdict: { type: 'accept', authorization } }, at(31))).toEqual(
      [],
    );
  });

  it('the client goes while the server is asked: nobody is asked any more', () => {
    expect(begun().handle({ type: 'gone', detail: 'port closed' }, at(1))).toEqual([
      { type: 'cancel', reason: 'void' },
      { type: 'over', outcome: { type: 'not-possible', detail: 'port closed' } },
    ]);
  });

  it('the switch cannot do what the server wants', () => {
    const attempt = begun();
    attempt.handle({ type: 'verdict', verdict: { type: 'accept', authorization } }, at(1));
    expect(attempt.handle({ type: 'grant-done', error: 'no such VLAN' }, at(1))).toEqual([
      { type: 'over', outcome: { type: 'not-possible', detail: 'no such VLAN' } },
    ]);
    expect(attempt.pollAt()).toBe(NEVER);
  });
});
