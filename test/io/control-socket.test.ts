// The control socket, with clients that behave and clients that do not.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandRequest } from '../../src/io/command-request.ts';
import { type ControlSocket, openControlSocket } from '../../src/io/control/control-socket.ts';
import { socketFault } from '../../src/io/control/socket-file.ts';
import { until } from './mosquitto.ts';

let folder = '';
let path = '';
const leftovers: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-control-'));
  path = join(folder, 'rollcall.sock');
});

afterEach(async () => {
  for (const dispose of leftovers.splice(0).reverse()) await dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers every request with its verb and payload. */
async function agent(): Promise<ControlSocket> {
  const onRequest = ({ verb, payload, reply }: CommandRequest) =>
    reply({ ok: true, verb, got: JSON.parse(new TextDecoder().decode(payload)) });
  const opened = await openControlSocket({ path, rights: 'full', onRequest });
  if (!opened.ok) throw new Error(opened.error);
  leftovers.push(() => opened.value.close());
  return opened.value;
}

/** Why it cannot be opened there, or `opened`. */
async function refused(at: string): Promise<string> {
  const opened = await openControlSocket({ path: at, rights: 'full', onRequest: () => {} });
  if (opened.ok) await opened.value.close();
  return opened.ok ? 'opened' : opened.error;
}

async function client(): Promise<{ socket: Socket; lines: unknown[]; ended: () => boolean }> {
  const socket = connect(path);
  await new Promise((resolve) => socket.once('connect', resolve));
  leftovers.push(() => socket.destroy());
  const lines: unknown[] = [];
  let over = false;
  socket.on('close', () => {
    over = true;
  });
  socket.on('error', () => {});
  const split = new StringDecoder('utf8');
  let rest = '';
  socket.on('data', (chunk) => {
    const parts = (rest + split.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line) as unknown));
  });
  return { socket, lines, ended: () => over };
}

describe('requests', () => {
  test('lines in pieces and several in one piece are answered in order', async () => {
    await agent();
    const { socket, lines } = await client();
    socket.write('{"verb":"in');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write('fo","id":1}\n\n{"verb":"ports"}\n{"verb":"session","mac":"é"}\n');
    await until(() => lines.length === 3);
    expect(lines).toEqual([
      { ok: true, verb: 'info', got: { id: 1 } },
      { ok: true, verb: 'ports', got: {} },
      { ok: true, verb: 'session', got: { mac: 'é' } },
    ]);
  });

  test.each([
    ['nonsense', 'bad-json'],
    ['[1]', 'bad-json'],
    ['{"id":4}', 'bad-value'],
  ])('%s gets an error and the connection goes on', async (line, code) => {
    await agent();
    const { socket, lines } = await client();
    socket.write(`${line}\n{"verb":"info"}\n`);
    await until(() => lines.length === 2);
    expect(lines[0]).toMatchObject({ ok: false, error: { code } });
    expect(lines[1]).toMatchObject({ ok: true, verb: 'info' });
  });

  test('a line without end is refused, and nothing after it is obeyed', async () => {
    await agent();
    const { socket, lines, ended } = await client();
    socket.write('x'.repeat(70_000));
    await until(() => lines.length === 1);
    socket.write('\n{"verb":"drain"}\n');
    await until(ended);
    expect(lines).toMatchObject([{ ok: false, error: { code: 'too-large' } }]);
  });

  test('a crowd: the 65th connection is told so, and a place is free again when one leaves', async () => {
    await agent();
    const crowd = await Promise.all(Array.from({ length: 64 }, () => client()));
    const late = await client();
    await until(() => late.lines.length === 1);
    expect(late.lines[0]).toMatchObject({ error: { code: 'busy' } });
    crowd[0]?.socket.destroy();
    await until(async () => {
      const next = await client();
      next.socket.write('{"verb":"info"}\n');
      await until(() => next.lines.length === 1);
      return (next.lines[0] as { ok: boolean }).ok;
    });
  });
});

test('closing waits for nobody that was sent away and stays on the line', async () => {
  const control = await agent();
  await Promise.all(Array.from({ length: 64 }, () => client()));
  const stayer = connect({ path, allowHalfOpen: true });
  leftovers.push(() => stayer.destroy());
  stayer.on('error', () => undefined);
  const said: Buffer[] = [];
  stayer.on('data', (chunk) => said.push(chunk));
  await until(() => said.length > 0);
  await Promise.race([
    control.close(),
    new Promise((_, reject) => setTimeout(reject, 3_000, new Error('it is waited for'))),
  ]);
});

describe('events', () => {
  test('only subscribers are told, until they leave', async () => {
    const control = await agent();
    const listener = await client();
    const other = await client();
    listener.socket.write('{"verb":"subscribe","id":9}\n');
    await until(() => listener.lines.length === 1);
    control.broadcast({ seq: 1 });
    await until(() => listener.lines.length === 2);
    expect(listener.lines).toEqual([{ id: 9, ok: true, result: {} }, { seq: 1 }]);
    expect(other.lines).toEqual([]);
    listener.socket.destroy();
    await until(() => control.subscribers === 0);
  });

  test('a listener that does not read is cut off, and memory stays bounded', async () => {
    const control = await agent();
    const { socket, lines } = await client();
    socket.write('{"verb":"subscribe"}\n');
    await until(() => lines.length === 1);
    socket.removeAllListeners('data');
    socket.pause();
    for (let i = 0; i < 200; i++) control.broadcast({ text: 'x'.repeat(64_000) });
    await until(() => control.subscribers === 0);
  });
});

describe('the file', () => {
  test('is for its owner and group only, and goes with the agent', async () => {
    const control = await agent();
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await control.close();
    expect(() => statSync(path)).toThrow();
  });

  test('of a live agent is left alone: the second one is refused', async () => {
    await agent();
    const second = await openControlSocket({ path, rights: 'full', onRequest: () => {} });
    expect(second).toEqual({ ok: false, error: `another agent listens on ${path}` });
    const { socket, lines } = await client();
    socket.write('{"verb":"info"}\n');
    await until(() => lines.length === 1);
  });

  test('of an agent that was killed is replaced', async () => {
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const dead = spawn(process.execPath, ['-e', script]);
    await new Promise((resolve) => dead.stdout.once('data', resolve));
    const gone = new Promise((resolve) => dead.once('exit', resolve));
    dead.kill('SIGKILL');
    await gone;
    expect(statSync(path).isSocket()).toBe(true);
    await agent();
    const { socket, lines } = await client();
    socket.write('{"verb":"info"}\n');
    await until(() => lines.length === 1);
  });

  test('that is no socket is never removed', async () => {
    writeFileSync(path, 'precious');
    const opened = await openControlSocket({ path, rights: 'full', onRequest: () => {} });
    expect(opened).toEqual({ ok: false, error: `${path} is there and is no socket; it is left alone` });
  });

  test('in a folder that does not exist: it is made, and one that cannot be is a sentence', async () => {
    const open = (at: string) => openControlSocket({ path: at, rights: 'full', onRequest: () => {} });
    const made = await open(join(folder, 'new', 'x.sock'));
    expect(made.ok).toBe(true);
    if (made.ok) leftovers.push(() => made.value.close());
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o755);
    writeFileSync(join(folder, 'file'), '');
    const failed = await open(join(folder, 'file', 'x.sock'));
    expect(failed.ok ? '' : failed.error).toMatch(/^cannot listen on .*x\.sock: E/);
  });

  test('at a path, or behind a link, that is too long for a socket: it is not opened under a name that is cut off', async () => {
    const long = join(folder, 'x'.repeat(100));
    mkdirSync(long);
    symlinkSync(long, join(folder, 'short'));
    for (const path of [join(long, 'x.sock'), join(folder, 'short', 'x.sock')]) {
      expect(await openControlSocket({ path, rights: 'full', onRequest: () => {} })).toEqual({
        ok: false,
        error: `cannot listen on ${path}: ${join(long, 'x.sock')} is too long for a socket`,
      });
    }
    expect(readdirSync(long)).toEqual([]);
  });

  test('can be given to a group, by name or number; to one that is not there it is not', async () => {
    const opened = await openControlSocket({ path, group: 'daemon', rights: 'full', onRequest: () => {} });
    if (!opened.ok) throw new Error(opened.error);
    const { mode, gid } = statSync(path);
    expect([mode & 0o777, gid]).toEqual([0o660, 1]);
    await opened.value.close();
    const numbered = await openControlSocket({ path, group: '4242', rights: 'full', onRequest: () => {} });
    if (!numbered.ok) throw new Error(numbered.error);
    leftovers.push(() => numbered.value.close());
    expect(statSync(path).gid).toBe(4242);
    const at = join(folder, 'other.sock');
    const none = await openControlSocket({ path: at, group: 'no-such', rights: 'full', onRequest: () => {} });
    expect(none).toEqual({ ok: false, error: `${at}: there is no group no-such in /etc/group` });
    expect(existsSync(at)).toBe(false);
  });
});

describe('where others could put something in its place it is not opened', () => {
  test.each([
    ['everybody may write into', 0o1777, 0],
    ['everybody may write into', 0o757, 0],
    ['the group 4242 may write into', 0o775, 4242],
  ])('its folder: %s (%o)', async (why, mode, gid) => {
    chownSync(folder, 0, gid);
    chmodSync(folder, mode);
    expect(await refused(path)).toBe(`cannot listen on ${path}: ${why} ${folder}`);
    expect(existsSync(path)).toBe(false);
  });

  test('a folder that another user owns', async () => {
    chownSync(folder, 4242, 0);
    expect(await refused(path)).toMatch(/belongs to the user 4242/);
  });

  test('a folder above it, although its own is right', async () => {
    const inner = join(folder, 'inner');
    mkdirSync(inner, { mode: 0o755 });
    chmodSync(folder, 0o777);
    expect(await refused(join(inner, 'x.sock'))).toMatch(/everybody may write into/);
    // What is in a sticky folder is only its owner's to move.
    chmodSync(folder, 0o1777);
    expect(await refused(join(inner, 'x.sock'))).toBe('opened');
  });

  test('a link in the way is followed once, and judged by where it leads', async () => {
    const [good, bad] = [join(folder, 'good'), join(folder, 'bad')];
    mkdirSync(good);
    mkdirSync(bad);
    chmodSync(bad, 0o777);
    symlinkSync(bad, join(folder, 'link'));
    expect(await refused(join(folder, 'link', 'x.sock'))).toMatch(/everybody may write into .*bad/);
  });

  test('a link in its own place: neither it nor what it leads to is touched', async () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'precious', { mode: 0o600 });
    symlinkSync(precious, path);
    expect(await refused(path)).toBe(`${precious} is there and is no socket; it is left alone`);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect([readFileSync(precious, 'utf8'), statSync(precious).mode & 0o777]).toEqual(['precious', 0o600]);
  });
});

describe('a link in its own place, to where it shall be', () => {
  const linked = (): string => {
    mkdirSync(join(folder, 'own'), { mode: 0o750 });
    const link = join(folder, 'known.sock');
    symlinkSync('own/control.sock', link);
    return link;
  };

  test('is followed once, and stays', async () => {
    const link = linked();
    expect(await refused(link)).toBe('opened');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  test('is judged by where it leads; a link to a link is not followed', async () => {
    const link = linked();
    chmodSync(join(folder, 'own'), 0o777);
    expect(await refused(link)).toMatch(/everybody may write into .*own/);
    chmodSync(join(folder, 'own'), 0o750);
    symlinkSync('elsewhere', join(folder, 'own/control.sock'));
    expect(await refused(link)).toMatch(/own\/control.sock is there and is no socket/);
  });

  test('whose folder is not there yet is no fault beforehand', () => {
    const link = join(folder, 'known.sock');
    symlinkSync('later/control.sock', link);
    expect(socketFault(link)).toBeUndefined();
  });
});

test('what would keep us from listening is told beforehand, and nothing is done', async () => {
  writeFileSync(path, 'precious');
  expect(socketFault(path)).toBe(`${path} is there and is no socket; it is left alone`);
  expect(socketFault(join(folder, 'not/there/x.sock'))).toBeUndefined();
  expect(existsSync(join(folder, 'not'))).toBe(false);
  chmodSync(folder, 0o777);
  expect(socketFault(join(folder, 'x.sock'))).toMatch(/everybody may write into/);
});

test('a line that is nested without end is refused, and ends nothing', async () => {
  await agent();
  const { socket, lines } = await client();
  socket.write(
    `{"verb":"info","id":1,"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}\n{"verb":"info","id":2}\n`,
  );
  await until(() => lines.length === 2);
  expect(lines).toEqual([
    { id: 1, ok: false, error: { code: 'bad-json', message: 'the line is nested too deeply', path: '' } },
    { ok: true, verb: 'info', got: { id: 2 } },
  ]);
});

describe('a client that does not read', () => {
  test('is asked nothing more until it does: one answer is kept for it, and all come in their order', async () => {
    let asked = 0;
    const onRequest = ({ payload, reply }: CommandRequest) => {
      asked++;
      const { id } = JSON.parse(new TextDecoder().decode(payload)) as { readonly id: number };
      reply({ id, ok: true, result: 'x'.repeat(500_000) });
    };
    const opened = await openControlSocket({ path, rights: 'read', onRequest });
    if (!opened.ok) throw new Error(opened.error);
    leftovers.push(() => opened.value.close());
    const { socket, lines } = await client();
    socket.pause();
    for (let id = 0; id < 40; id++) socket.write(`{"verb":"sessions","id":${id}}\n`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(asked).toBeLessThanOrEqual(2);
    socket.resume();
    await until(() => lines.length === 40);
    expect(lines.map((line) => (line as { readonly id: number }).id)).toEqual([...Array(40).keys()]);
  });

  test('one request at a time: the second is asked when the first is answered', async () => {
    const asked: CommandRequest[] = [];
    const opened = await openControlSocket({
      path,
      rights: 'read',
      onRequest: (request) => asked.push(request),
    });
    if (!opened.ok) throw new Error(opened.error);
    leftovers.push(() => opened.value.close());
    const { socket, lines } = await client();
    socket.write('{"verb":"disconnect"}\n{"verb":"info"}\n');
    await until(() => asked.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked.map(({ verb, rights }) => [verb, rights])).toEqual([['disconnect', 'read']]);
    asked[0]?.reply({ ok: true });
    await until(() => asked.length === 2);
    asked[1]?.reply({ ok: true });
    await until(() => lines.length === 2);
  });
});
