// The agent goes away in the middle of a conversation.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SocketClient } from '../../src/cli/socket-client.ts';

let folder: string;
let server: Server;
let client: SocketClient;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'rollcall-socket-'));
  const file = path.join(folder, 'control.sock');
  // What it has been sent stays unread: the kernel resets the connection.
  server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
    setTimeout(() => socket.destroy(), 50);
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  client = new SocketClient(file, 5_000);
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

it('a question that it has not read is answered by that', async () => {
  expect(await client.request('info', {})).toEqual({
    ok: false,
    error: 'the agent closed the connection without an answer',
  });
});

it('a listener hears that it has gone', async () => {
  expect(await client.listen(() => undefined, new AbortController().signal)).toEqual({
    ok: false,
    error: 'the agent closed the connection',
  });
});

it('what is asked when the client closes is not waited for', async () => {
  const mute = createServer({ pauseOnConnect: true });
  const file = path.join(folder, 'mute.sock');
  const sockets: Socket[] = [];
  mute.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => mute.listen(file, resolve));
  const patient = new SocketClient(file, 5_000);
  const asked = patient.request('info', {});
  await new Promise((resolve) => mute.once('connection', resolve));
  await patient.close();
  expect(await asked).toEqual({ ok: false, error: expect.not.stringContaining('within') });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});
