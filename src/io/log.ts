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
  /** Of the readable form; default: when stderr is a terminal and NO_COLOR is not set. */
  readonly color?: boolean;
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
  const destination = gathered ?? target(options, pretty);
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

function target(options: LoggerOptions, pretty: boolean): DestinationStream {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  // A terminal that has gone: the line is lost.
  if (options.write === undefined) process.stderr.on('error', () => undefined);
  const color = options.color ?? (process.stderr.isTTY === true && (process.env.NO_COLOR ?? '') === '');
  const paint = pc.createColors(color);
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      write(pretty ? prettyLine(chunk, paint) : chunk);
      done();
    },
  });
}

type Paint = ReturnType<typeof pc.createColors>;

const PAINTED: Readonly<Record<string, 'dim' | 'green' | 'yellow' | 'red'>> = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
};

/** `12:00:00.000 info  message  port=p1 mac=...`. A line that is no JSON is shown as it is. */
function prettyLine(line: string, paint: Paint): string {
  try {
    const { level, time, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const color = paint[PAINTED[String(level)] ?? 'reset'];
    const rest = Object.entries(fields).map(([key, value]) => paint.dim(`${key}=${printable(value)}`));
    const clock = String(time).slice(11, 23);
    return `${paint.dim(clock)} ${color(String(level).padEnd(5))} ${[printable(message), ...rest].join('  ')}\n`;
  } catch {
    return line;
  }
}

function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return escapeUnprintable(text ?? '');
}
