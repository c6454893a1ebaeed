// The log: JSON lines on stderr by pino, or one readable line each when stderr is a terminal. Secrets never get in, and
// hostile text (user names, Reply-Messages) cannot move a terminal's cursor: JSON escapes controls, the readable form too.
//
// Lines are gathered for 20 ms, since a write costs more than what it writes; warnings and errors go out at once, with
// all before them, and so does everything when the process exits. A crash of the process itself (SIGKILL, SIGSEGV) loses
// those 20 ms. A stderr that is not read for a while loses what is over the bound, one that fails loses the line: nothing
// here tries twice, since no log is a reason to stop.

import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import pc from 'picocolors';
import pino, { type DestinationStream, type LoggerOptions as PinoOptions } from 'pino';
import { escapeUnprintable } from '../base/unprintable.ts';
import type { LogLevel } from '../config/defaults.ts';

export type LogFields = Readonly<Record<string, unknown>>;
type Severity = Exclude<LogLevel, 'silent'>;

export interface Logger {
  log(level: Severity, message: string, fields?: LogFields): void;
  setLevel(level: LogLevel): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Default: when stderr is a terminal. */
  readonly pretty?: boolean;
  /** Where lines go, at once; default stderr. */
  readonly write?: (line: string) => void;
}

const GATHER_MS = 20;
const GATHER_CHARACTERS = 8 * 1024;
/** Of a stderr that nobody reads. */
const GATHER_MOST = 256 * 1024;

const REDACTED = ['secret', 'password', '*.secret', '*.password', '*.*.secret', '*.*.password'];

export function createLogger(options: LoggerOptions): Logger {
  const pretty = options.pretty ?? process.stderr.isTTY === true;
  const gathered = options.write === undefined && !pretty ? new GatheredStderr() : undefined;
  const destination = gathered ?? plainTarget(options.write, pretty);
  const form: PinoOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'message',
    formatters: { level: (label) => ({ level: label }) },
  };
  const logger = pino(form, destination);
  // Looking for secrets means copying what is logged: half of what a line costs.
  const careful = pino({ ...form, redact: { paths: REDACTED, censor: '[redacted]' } }, destination);
  return {
    log: (level, message, fields = {}) => {
      (isPlain(fields) ? logger : careful)[level](fields, message);
      if (level === 'warn' || level === 'error') gathered?.flush();
    },
    setLevel: (level) => {
      logger.level = level;
      careful.level = level;
    },
  };
}

/** Nothing in it can be, or hide, a secret. */
function isPlain(fields: LogFields): boolean {
  for (const key in fields) {
    if (key === 'secret' || key === 'password' || typeof fields[key] === 'object') return false;
  }
  return true;
}

class GatheredStderr implements DestinationStream {
  private waiting = '';
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    process.once('exit', () => this.flush());
  }

  write(line: string): void {
    if (this.waiting.length + line.length > GATHER_MOST) this.waiting = '';
    this.waiting += line;
    if (this.waiting.length >= GATHER_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), GATHER_MS).unref();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting === '') return;
    const octets = Buffer.from(this.waiting);
    this.waiting = '';
    let written = 0;
    try {
      while (written < octets.length) written += writeSync(2, octets, written);
    } catch (error) {
      // Nobody reads at the moment: the rest once more, before the next line. Any other fault loses it.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.waiting = octets.toString('utf8', written);
    }
  }
}

function plainTarget(write: LoggerOptions['write'], pretty: boolean): DestinationStream {
  const out = write ?? ((line: string) => process.stderr.write(line));
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      out(pretty ? prettyLine(chunk) : chunk);
      done();
    },
  });
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  trace: pc.dim,
  debug: pc.dim,
  info: pc.green,
  warn: pc.yellow,
  error: pc.red,
};

/** `12:00:00.000 info  message  port=p1 mac=...`. A line that is no JSON is shown as it is. */
export function prettyLine(line: string): string {
  try {
    const { level, time, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const colour = COLOURS[String(level)] ?? ((text: string) => text);
    const rest = Object.entries(fields).map(([key, value]) => pc.dim(`${key}=${printable(value)}`));
    const clock = String(time).slice(11, 23);
    return `${pc.dim(clock)} ${colour(String(level).padEnd(5))} ${[printable(message), ...rest].join('  ')}\n`;
  } catch {
    return line;
  }
}

function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return escapeUnprintable(text ?? '');
}
