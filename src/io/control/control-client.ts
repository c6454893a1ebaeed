// One connection to the control socket: lines in, answers and events out.
//
// A request is done when its answer is written; until then, and while answers wait to be read, nothing more is read from this
// client. So what it can make us keep is one answer, one line, and what one read brings; beside that the events of a
// subscriber, who is cut off when he leaves too many of them unread. Who says nothing for minutes gives up the place.

import type { Socket } from 'node:net';
import { utf8 } from '../../base/bytes.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { refusal } from '../../report/answers.ts';
import { MAX_COMMAND_OCTETS } from '../../report/command-schemas.ts';
import type { RequestIdentity, Rights } from '../../report/commands.ts';
import type { CommandRequest } from '../command-request.ts';
import { attempt } from '../files.ts';

/** A listener that leaves more than this unread is cut off. */
const MAX_UNREAD_OCTETS = 4 * 1024 * 1024;
/** Of answers: the next request waits until there are less. */
const MAX_WAITING_OCTETS = 64 * 1024;
const IDLE_MS = 300_000;
const NEWLINE = 0x0a;

export interface ControlClientOptions {
  readonly rights: Rights;
  readonly onRequest: (request: CommandRequest) => void;
}

export class ControlClient {
  subscribed = false;
  private unread = Buffer.alloc(0);
  /** A request is with the agent. */
  private isAsking = false;
  private isProceeding = false;

  constructor(
    private readonly socket: Socket,
    private readonly options: ControlClientOptions,
  ) {
    socket.on('data', (chunk) => {
      socket.pause();
      this.unread = Buffer.concat([this.unread, chunk]);
      this.proceed();
    });
    socket.on('drain', () => this.proceed());
    socket.on('error', () => socket.destroy());
    socket.setTimeout(IDLE_MS, () => {
      if (!this.subscribed && !this.isAsking) socket.destroy();
    });
  }

  /** An event, to a subscriber. */
  tell(line: string): void {
    this.write(line);
    if (this.socket.writableLength > MAX_UNREAD_OCTETS) this.socket.destroy();
  }

  end(): void {
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 200).unref();
  }

  /** Line by line, as long as nothing is waited for; then more is read. An answer that comes at once goes on in this loop. */
  private proceed(): void {
    if (this.isProceeding) return;
    this.isProceeding = true;
    while (!this.isAsking && this.socket.writableLength <= MAX_WAITING_OCTETS && !this.socket.destroyed) {
      const end = this.unread.indexOf(NEWLINE);
      if ((end < 0 ? this.unread.length : end) > MAX_COMMAND_OCTETS) {
        this.tooLarge();
        return;
      }
      if (end < 0) {
        this.socket.resume();
        break;
      }
      const line = this.unread.toString('utf8', 0, end);
      this.unread = this.unread.subarray(end + 1);
      this.line(line);
    }
    this.isProceeding = false;
  }

  /** The line's end may never come, so this connection is over. */
  private tooLarge(): void {
    const message = `a line has at most ${MAX_COMMAND_OCTETS} octets`;
    this.unread = Buffer.alloc(0);
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
    // What JSON.parse takes, and JSON.stringify not.
    const payload = attempt(() => ok(utf8(JSON.stringify(rest))));
    if (!payload.ok) {
      this.answer(
        refusal({ ...identity, code: 'bad-json', message: 'the line is nested too deeply', path: '' }),
      );
      return;
    }
    this.isAsking = true;
    this.options.onRequest({
      verb,
      payload: payload.value,
      rights: this.options.rights,
      reply: (answer) => {
        this.isAsking = false;
        this.answer(answer);
        this.proceed();
      },
    });
  }

  private answer(answer: object): void {
    this.write(`${JSON.stringify(answer)}\n`);
  }

  private write(line: string): void {
    if (!this.socket.destroyed) this.socket.write(line);
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
