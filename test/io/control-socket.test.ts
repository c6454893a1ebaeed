// The control socket, with clients that behave and clients that do not.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandRequest } from '../../src/io/command-request.ts';
import { type ControlSocket, openControlSocket } from '../../src/io/control-socket.ts';
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
  const opened = await openControlSocket({ path, onRequest });
  if (!opened.ok) throw new Error(opened.error);
  leftovers.push(() => opened.value.close());
  return opened.value;
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
    const second = await openControlSocket({ path, onRequest: () => {} });
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
    const opened = await openControlSocket({ path, onRequest: () => {} });
    expect(opened).toEqual({ ok: false, error: `${path} is there and is no socket; it is left alone` });
  });

  test('in a folder that does not exist: a sentence', async () => {
    const opened = await openControlSocket({ path: join(folder, 'no', 'x.sock'), onRequest: () => {} });
    expect(opened.ok ? '' : opened.error).toMatch(/^cannot listen on .*x\.sock: E/);
  });
});
