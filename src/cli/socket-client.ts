// The agent on this switch, over its Unix socket.

import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { err, ok, type Result } from '../base/result.ts';
import type { Answer } from '../report/answers.ts';
import type { Verb } from '../report/command-schemas.ts';
import type { EventPayload } from '../report/event-payloads.ts';
import type { AgentClient, NoAgent } from './client.ts';

export class SocketClient implements AgentClient {
  private socket: Socket | undefined;

  constructor(
    private readonly path: string,
    private readonly timeoutMs: number,
  ) {}

  async request<V extends Verb>(verb: V, request: object): Promise<Result<Answer<V>, NoAgent>> {
    const socket = await this.open();
    if (!socket.ok) return socket;
    try {
      return await this.ask(socket.value, { verb, ...request });
    } finally {
      socket.value.destroy();
    }
  }

  async listen(onEvent: (event: EventPayload) => void, signal: AbortSignal): Promise<Result<void, NoAgent>> {
    const socket = await this.open();
    if (!socket.ok) return socket;
    signal.addEventListener('abort', () => socket.value.destroy(), { once: true });
    if (signal.aborted) socket.value.destroy();
    else socket.value.write('{"verb":"subscribe"}\n');
    return new Promise((resolve) => {
      linesOf(socket.value).on('line', (line) => {
        const message = parse(line);
        if (message !== undefined && 'seq' in message) onEvent(message as EventPayload);
      });
      socket.value.on('close', () =>
        resolve(signal.aborted ? ok(undefined) : err('the agent closed the connection')),
      );
    });
  }

  /** What is asked and not answered yet is not waited for. */
  async close(): Promise<void> {
    this.socket?.destroy();
  }

  private open(): Promise<Result<Socket, NoAgent>> {
    return new Promise((resolve) => {
      const socket = connect(this.path);
      this.socket = socket;
      socket.once('connect', () => {
        socket.on('error', () => socket.destroy());
        resolve(ok(socket));
      });
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(err(why(this.path, error))));
      socket.once('close', () => resolve(err('the connection was closed')));
    });
  }

  private ask<V extends Verb>(socket: Socket, request: object): Promise<Result<Answer<V>, NoAgent>> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => resolve(err(`no answer from the agent within ${this.timeoutMs / 1000} s`)),
        this.timeoutMs,
      );
      const settle = (result: Result<Answer<V>, NoAgent>) => {
        clearTimeout(timer);
        resolve(result);
      };
      linesOf(socket).once('line', (line) => {
        const answer = parse(line);
        settle(
          answer === undefined
            ? err('the agent answered with something that is not JSON')
            : ok(answer as Answer<V>),
        );
      });
      socket.once('close', () => settle(err('the agent closed the connection without an answer')));
      socket.write(`${JSON.stringify(request)}\n`);
    });
  }
}

/** An error of the socket closes it, which is heard there; the reader of its lines has nothing to add. */
function linesOf(socket: Socket): Interface {
  return createInterface({ input: socket }).on('error', () => undefined);
}

function parse(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function why(path: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return `no agent is running here: ${path} does not exist`;
    case 'ECONNREFUSED':
      return `no agent is running here: nobody listens on ${path}`;
    case 'EACCES':
      return `no right to open ${path}; ask as root, or as a member of its group`;
    default:
      return `cannot reach the agent at ${path}: ${error.message}`;
  }
}
