// `rollcall uci`: what it writes, and what it says to the init script.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Outcome, rollcall } from '../rigs/command-line.ts';

const UCI =
  "config switch 'main'\n\toption id 'sw1'\n\toption bridge 'br-lan'\nconfig server\n\toption address '192.0.2.10'\n\toption secret 'a-secret-of-more-than-16'\n";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-uci-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const yaml = () => join(folder, 'rollcall.yaml');

/** Without a text there is no such file. */
async function convert(uci: string | undefined, to = yaml()): Promise<Outcome> {
  const from = join(folder, 'exported');
  if (uci !== undefined) writeFileSync(from, uci);
  return rollcall(['uci', '--from', from, ...(to === '' ? [] : ['--to', to])]);
}

it('the first time it takes a start; then what the agent can take over is told from what it cannot', async () => {
  expect(await convert(UCI)).toEqual({ code: 0, out: 'restart\n', err: '' });
  expect(statSync(yaml()).mode & 0o777).toBe(0o600);
  expect(await convert(UCI)).toEqual({ code: 0, out: 'reload\n', err: '' });
  expect(await convert(`${UCI}config log\n\toption level 'debug'\n`)).toMatchObject({ out: 'reload\n' });
  expect(await convert(`${UCI}config mqtt\n\toption url 'mqtt://192.0.2.1'\n`)).toMatchObject({
    out: 'restart\n',
  });
  writeFileSync(yaml(), 'nonsense');
  expect(await convert(UCI)).toMatchObject({ out: 'restart\n' });
});

it('the same again is left alone: its owner may be another by now', async () => {
  await convert(UCI);
  const { ino } = statSync(yaml());
  expect(await convert(UCI)).toMatchObject({ out: 'reload\n' });
  expect(statSync(yaml()).ino).toBe(ino);
  await convert(`${UCI}config log\n\toption level 'debug'\n`);
  expect(statSync(yaml()).ino).not.toBe(ino);
});

it('a fault changes nothing', async () => {
  await convert(UCI);
  const before = readFileSync(yaml(), 'utf8');
  const { code, out, err } = await convert(`${UCI}config log\n\toption level 'loud'\nconfig x\n`);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('rollcall: rollcall.@x[0]: there is no section of type x\n');
  expect(err).toContain("rollcall: rollcall.@log[0].level: 'loud' is none of");
  expect(readFileSync(yaml(), 'utf8')).toBe(before);
});

it('without a file it prints, with the section above what came from it', async () => {
  expect(await convert(UCI, '')).toEqual({
    code: 0,
    err: '',
    out: `# Made from /etc/config/rollcall: change that one, not this.
# rollcall.main
switch:
  id: "sw1"
  bridge: "br-lan"
radius:
  servers:
    # rollcall.@server[0]
    - address: "192.0.2.10"
      secret: "a-secret-of-more-than-16"
`,
  });
});

it('what cannot be read or written is told', async () => {
  expect(await convert(UCI, join(folder, 'exported/x'))).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('cannot write'),
  });
});

it('a file that cannot be read is an error of usage, as with every command', async () => {
  expect(await convert(undefined)).toEqual({
    code: 2,
    out: '',
    err: `rollcall: cannot read ${join(folder, 'exported')}: ENOENT: no such file or directory\n`,
  });
});
