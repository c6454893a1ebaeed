// Pages as documents: every one is whole, every hostile text in it is text, and its state is told by HTTP, too.

import { describe, expect, it } from 'vitest';
import type { WallTime } from '../../src/base/time.ts';
import { type Notice, type Page, PROBLEMS, type Problem, statusOf } from '../../src/web/page.ts';
import { duration, render } from '../../src/web/render.ts';

const EVIL = '"><script>alert(1)</script>';
const NOW = Date.UTC(2026, 10, 26, 3, 4, 5) as WallTime;
const login = (notice?: Notice): Page => ({
  kind: 'login',
  formToken: EVIL,
  userName: EVIL,
  ...(notice === undefined ? {} : { notice }),
});
const STATUS: Page = {
  kind: 'status',
  formToken: EVIL,
  userName: EVIL,
  method: 'web',
  since: NOW,
  now: NOW,
  onlineS: 61,
};

const NOTICES: readonly (readonly [Notice, number, RegExp])[] = [
  [{ type: 'wrong-password', replyMessage: EVIL }, 403, /role="alert">You are not logged in.*server says/],
  [{ type: 'incomplete' }, 400, /something is missing/],
  [{ type: 'too-long' }, 400, /too long/],
  [{ type: 'no-server' }, 503, /cannot be reached/],
  [{ type: 'too-many', retryAfterS: 12 }, 429, /wait for 12 s/],
  [{ type: 'form-expired' }, 400, /Nothing was done/],
  [{ type: 'under-way' }, 409, /already/],
  [{ type: 'not-possible', detail: EVIL }, 403, /cannot let you in/],
  [{ type: 'not-logged-in' }, 409, /Nobody is logged in/],
  [
    { type: 'ended', cause: 'session-timeout', at: NOW },
    200,
    /role="status">Your session has expired.*2026-11-26 03:04:05 UTC/,
  ],
  [{ type: 'ended', cause: 'port-down', at: NOW }, 200, /You have been logged out/],
];

const PAGES: readonly Page[] = [
  login(),
  ...NOTICES.map(([notice]) => login(notice)),
  STATUS,
  { ...STATUS, remaining: { seconds: 3600, atEnd: 'ends' }, notice: 'form-expired' },
  { ...STATUS, remaining: { seconds: 59, atEnd: 'reauthenticates' }, notice: 'already-in' },
  { kind: 'logged-out', userName: EVIL, onlineS: 3700, again: true },
  { kind: 'logged-out', userName: EVIL, onlineS: 0, again: false },
  { kind: 'unknown' },
  { kind: 'too-many', retryAfterS: 1 },
  ...(Object.keys(PROBLEMS) as Problem[]).map((problem) => ({ kind: 'problem', problem }) as const),
];

describe('every page', () => {
  it.each(PAGES.map((page) => [JSON.stringify(page), page] as const))('%s', (_, page) => {
    const text = render(page, EVIL);
    expect(text).not.toContain('<script');
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text.match(/<h1>/g)).toHaveLength(1);
    expect(text.match(/<title>[^<]+<\/title>/g)).toHaveLength(1);
    // What a label, or a field's description, names is there.
    for (const [, id] of text.matchAll(/ (?:for|aria-describedby)="([^"]+)"/g))
      expect(text).toContain(` id="${id}"`);
    for (const [, url] of text.matchAll(/ (?:href|action|src)="([^"]*)"/g)) expect(url).toMatch(/^\/[a-z]*$/);
  });

  it.each(NOTICES)('%j is status %i', (notice, status, text) => {
    expect(statusOf(login(notice))).toBe(status);
    expect(render(login(notice), 'sw1').replaceAll('\n', ' ')).toMatch(text);
  });
});

it('what is left is an end, a check, or nothing', () => {
  expect(render(STATUS, 'sw1')).toContain('<dt>Time left</dt><dd>no limit</dd>');
  expect(render({ ...STATUS, remaining: { seconds: 3600, atEnd: 'ends' } }, 'sw1')).toContain(
    '<dd>1 h 00 min</dd>',
  );
  expect(render({ ...STATUS, remaining: { seconds: 59, atEnd: 'reauthenticates' } }, 'sw1')).toContain(
    'Checked again in',
  );
});

it.each([
  [0.4, '0 s'],
  [59.9, '59 s'],
  [60, '1 min 00 s'],
  [3725, '1 h 02 min'],
  [90_000, '1 d 1 h'],
  [-5, '0 s'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
