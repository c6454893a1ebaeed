// The control socket: newline-delimited JSON on a Unix socket, one request a line `{id?, verb, ...}`, one answer a line, in their
// order, the same as over MQTT. `{"verb": "subscribe"}` turns the connection into a stream of events, a line each.
//
// Who may open the file may do what it is for: everything, or what changes nothing. Its owner and its group may (mode 0660). A
// file that a dead agent left behind is replaced; a live agent's is not (socket-file.ts). Bounds: 64 connections, and what each
// can make us keep (control-client.ts).

import { createServer, type Socket } from 'node:net';
import { ok, type Result } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import { refusal } from '../../report/answers.ts';
import { ControlClient, type ControlClientOptions } from './control-client.ts';
import { listenOnFile, type SocketFile } from './socket-file.ts';

const MAX_CLIENTS = 64;

export type ControlSocketOptions = SocketFile & ControlClientOptions;

export interface ControlSocket {
  /** To every subscriber. */
  broadcast(event: object): void;
  readonly subscribers: number;
  close(): Promise<void>;
}

/** The error is a sentence that names the path. */
export async function openControlSocket(
  options: ControlSocketOptions,
): Promise<Result<ControlSocket, string>> {
  const clients = new Set<ControlClient>();
  const server = createServer((socket) => {
    if (clients.size >= MAX_CLIENTS) {
      sendAway(socket);
      return;
    }
    const client = new ControlClient(socket, options);
    clients.add(client);
    socket.once('close', () => clients.delete(client));
  });
  const listening = await listenOnFile(server, options);
  if (!listening.ok) return listening;
  return ok({
    broadcast: (event) => {
      const subscribed = [...clients].filter((client) => client.subscribed);
      if (subscribed.length === 0) return;
      const line = `${JSON.stringify(event)}\n`;
      for (const client of subscribed) client.tell(line);
    },
    get subscribers() {
      return [...clients].filter((client) => client.subscribed).length;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of clients) client.end();
      await closed;
    },
  });
}

type SocketConfig = Pick<Config, 'controlSocket' | 'controlSocketGroup' | 'readSocket' | 'readSocketGroup'>;

/** The one for everything and, if there is to be one, the one for what changes nothing. */
export async function openControlSockets(
  { controlSocket, controlSocketGroup, readSocket, readSocketGroup }: SocketConfig,
  onRequest: ControlSocketOptions['onRequest'],
): Promise<Result<Pick<ControlSocket, 'broadcast' | 'close'>, string>> {
  const full = { path: controlSocket, group: controlSocketGroup, rights: 'full' } as const;
  const read = { path: readSocket, group: readSocketGroup, rights: 'read' } as const;
  const opened: ControlSocket[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((socket) => socket.close()));
  };
  for (const { path, ...each } of [full, read]) {
    if (path === undefined) continue;
    const socket = await openControlSocket({ ...each, path, onRequest });
    if (!socket.ok) {
      await close();
      return socket;
    }
    opened.push(socket.value);
  }
  return ok({
    broadcast: (event) => {
      for (const socket of opened) socket.broadcast(event);
    },
    close,
  });
}

function sendAway(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
  // It may never close its own side, and `close` would wait for it.
  setTimeout(() => socket.destroy(), 1_000).unref();
  socket.end(`${JSON.stringify(refusal({ code: 'busy', message: 'too many connections', path: '' }))}\n`);
}
