// What is kept of the logins that somebody has put out: written, read by the next start, and never believed blindly.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import { ok } from '../../src/base/result.ts';
import { SsoBars } from '../../src/io/servers/sso-bars.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-bars-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CLIENT = '192.0.2.10' as Ip;

it('is what was written, and nothing where nothing was', () => {
  expect(new SsoBars(folder).read()).toEqual(ok([]));
  const bars = [
    { client: CLIENT, nas: {}, sessionId: 's 1"\n' },
    { client: CLIENT, nas: { identifier: 'vpn', address: '2001:db8::1' as Ip }, sessionId: 's2' },
  ];
  expect(new SsoBars(folder).write(bars)).toEqual(ok(undefined));
  expect(new SsoBars(folder).read()).toEqual(ok(bars));
});

it.each(['', 'nonsense', '{"version":2,"barred":[]}', '{"version":1,"barred":[{}]}'])(
  'is refused where it makes no sense: %s',
  (text) => {
    writeFileSync(join(folder, 'sso-barred.json'), text);
    expect(new SsoBars(folder).read()).toMatchObject({ ok: false });
  },
);

it('says why it cannot be read or written', () => {
  mkdirSync(join(folder, 'sso-barred.json'));
  expect(new SsoBars(folder).read()).toMatchObject({ ok: false });
  expect(new SsoBars(folder).write([])).toMatchObject({ ok: false });
});
