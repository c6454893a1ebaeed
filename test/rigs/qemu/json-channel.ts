// QEMU's own protocol and that of its guest agent: one JSON object a line, an answer for each request, in order
// (docs/interop/qmp-spec and qga in QEMU's documentation). Events between them are passed over.

import net from 'node:net';
import { patience } from '../lab/patience.ts';

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

interface Waiting {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class JsonChannel {
  readonly #socket: net.Socket;
  readonly #waiting: Waiting[] = [];
  #rest = '';

  constructor(path: string) {
    this.#socket = net.connect(path);
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#abandon('the machine is off'));
  }

  /** What it returns; throws if it is refused, if the machine goes off, and if nothing is said for `timeoutMs`. */
  execute(
    command: string,
    given: Readonly<Record<string, unknown>> = {},
    timeoutMs = 30_000,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${command}: no answer within ${patience(timeoutMs)} ms`)),
        patience(timeoutMs),
      );
      const settled = <T>(act: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          clearTimeout(timer);
          act(value);
        };
      };
      if (this.#socket.destroyed) return settled(reject)(new Error(`${command}: the machine is off`));
      this.#waiting.push({ command, resolve: settled(resolve), reject: settled(reject) });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: given })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#take(JSON.parse(line) as Answer);
  }

  #take(answer: Answer): void {
    if (answer.return === undefined && answer.error === undefined) return;
    const waiting = this.#waiting.shift();
    if (answer.error === undefined) waiting?.resolve(answer.return);
    else waiting?.reject(new Error(`${waiting.command}: ${answer.error.desc}`));
  }

  #abandon(why: string): void {
    for (const { command, reject } of this.#waiting.splice(0)) reject(new Error(`${command}: ${why}`));
  }
}
