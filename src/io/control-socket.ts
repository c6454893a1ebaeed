// The control socket: newline-delimited JSON on a Unix socket, one request a line `{id?, verb, ...}`, one answer a line, the
// same as over MQTT. `{"verb": "subscribe"}` turns the connection into a stream of events, a line each.
//
// Who may open the file may do everything: mode 0660, and the directory is the administrator's. A file that a dead agent left
// behind is replaced; a live agent's is not. Lines are bounded, and so is what a slow listener may leave unread.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import { refusal } from '../report/answers.ts';
import { MAX_COMMAND_OCTETS, type RequestIdentity } from '../report/commands.ts';
import type { CommandRequest } from './command-request.ts';
import { isListening } from './unix-socket.ts';

const MAX_CLIENTS = 64;
/** A listener that leaves more than this unread is cut off. */
const MAX_UNREAD_OCTETS = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface ControlSocketOptions {
  readonly path: string;
  readonly onRequest: (request: CommandRequest) => void;
  readonly mode?: number;
}

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
  const { path } = options;
  const occupied = await clearStale(path);
  if (occupied !== undefined) return err(occupied);
  const clients = new Set<Client>();
  const server = createServer((socket) => {
    if (clients.size >= MAX_CLIENTS) {
      socket.on('error', () => socket.destroy());
      socket.resume();
      // It may never close its own side, and `close` would wait for it.
      setTimeout(() => socket.destroy(), 1_000).unref();
      socket.end(`${JSON.stringify(refusal({ code: 'busy', message: 'too many connections', path: '' }))}\n`);
      return;
    }
    const client = new Client(socket, options.onRequest);
    clients.add(client);
    socket.once('close', () => clients.delete(client));
  });
  // Bound with no rights for others, and widened afterwards: nobody can be faster.
  const before = process.umask(0o177);
  const listening = listen(server, path);
  process.umask(before);
  const problem = await listening;
  if (problem !== undefined) return err(`cannot listen on ${path}: ${problem}`);
  chmodSync(path, options.mode ?? 0o660);
  return ok({
    broadcast: (event) => {
      const subscribed = [...clients].filter((client) => client.subscribed);
      if (subscribed.length === 0) return;
      const line = `${JSON.stringify(event)}\n`;
      for (const client of subscribed) client.send(line);
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

class Client {
  subscribed = false;
  private parts: Uint8Array[] = [];
  private length = 0;

  constructor(
    private readonly socket: Socket,
    private readonly onRequest: (request: CommandRequest) => void,
  ) {
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => socket.destroy());
  }

  send(line: string): void {
    if (this.socket.destroyed) return;
    this.socket.write(line);
    if (this.subscribed && this.socket.writableLength > MAX_UNREAD_OCTETS) this.socket.destroy();
  }

  end(): void {
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 200).unref();
  }

  private receive(chunk: Uint8Array): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const tail = chunk.subarray(from, at);
      from = at + 1;
      if (this.length + tail.length > MAX_COMMAND_OCTETS) {
        this.tooLarge();
        return;
      }
      this.line(Buffer.concat([...this.parts, tail]).toString('utf8'));
      this.parts = [];
      this.length = 0;
    }
    const rest = chunk.subarray(from);
    this.parts.push(rest);
    this.length += rest.length;
    if (this.length > MAX_COMMAND_OCTETS) this.tooLarge();
  }

  /** The line's end may never come, so this connection is over. */
  private tooLarge(): void {
    this.parts = [];
    this.length = 0;
    const message = `a line has at most ${MAX_COMMAND_OCTETS} octets`;
    this.socket.removeAllListeners('data');
    this.socket.resume();
    this.socket.end(`${JSON.stringify(refusal({ code: 'too-large', message, path: '' }))}\n`);
    setTimeout(() => this.socket.destroy(), 1_000).unref();
  }

  private line(text: string): void {
    if (text.trim() === '') return;
    const request = parseLine(text);
    if (!request.ok) {
      this.answer(refusal({ code: 'bad-json', message: request.error, path: '' }));
      return;
    }
    const { verb, ...rest } = request.value;
    const id =
      typeof rest.id === 'string' || typeof rest.id === 'number' ? (rest.id as RequestIdentity) : undefined;
    const identity = id === undefined ? {} : { id };
    if (typeof verb !== 'string') {
      this.answer(
        refusal({ ...identity, code: 'bad-value', message: "the key 'verb' is missing", path: 'verb' }),
      );
      return;
    }
    if (verb === 'subscribe') {
      this.subscribed = true;
      this.answer({ ...identity, ok: true, result: {} });
      return;
    }
    const payload = new TextEncoder().encode(JSON.stringify(rest));
    this.onRequest({ verb, payload, rights: 'full', reply: (answer) => this.answer(answer) });
  }

  private answer(answer: object): void {
    this.send(`${JSON.stringify(answer)}\n`);
  }
}

function parseLine(text: string): Result<Record<string, unknown>, string> {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? ok(value as Record<string, unknown>) : err('a request is a JSON object');
  } catch {
    return err('the line is not JSON');
  }
}

function listen(server: Server, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(path, () => resolve(undefined));
  });
}

/** Removes a socket that nobody listens on. A sentence when the path is taken by a live agent or by something else. */
async function clearStale(path: string): Promise<string | undefined> {
  try {
    if (!lstatSync(path).isSocket()) return `${path} is there and is no socket; it is left alone`;
  } catch {
    return undefined;
  }
  if (await isListening(path)) return `another agent listens on ${path}`;
  try {
    unlinkSync(path);
    return undefined;
  } catch (error) {
    return `cannot remove the stale socket ${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
