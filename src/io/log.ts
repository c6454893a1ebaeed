// The log: JSON lines on stderr by pino, or one readable line each when stderr is a terminal. Secrets never get in, and
// hostile text (user names, Reply-Messages) cannot move a terminal's cursor: JSON escapes controls, the readable form too.
//
// Lines are gathered for 20 ms, since a write costs more than what it writes; warnings and errors go out at once, with
// all before them, and so does everything when the process ends in any way but SIGKILL.

import { Writable } from 'node:stream';
import pc from 'picocolors';
import pino, { type DestinationStream, type LoggerOptions as PinoOptions } from 'pino';
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
const GATHER_OCTETS = 8 * 1024;

const REDACTED = ['secret', 'password', '*.secret', '*.password', '*.*.secret', '*.*.password'];

export function createLogger(options: LoggerOptions): Logger {
  const pretty = options.pretty ?? process.stderr.isTTY === true;
  const gathered = options.write === undefined && !pretty ? gatheredStderr() : undefined;
  const destination = gathered?.stream ?? plainTarget(options.write, pretty);
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
      gathered?.written(level === 'warn' || level === 'error');
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

function gatheredStderr(): {
  readonly stream: DestinationStream;
  readonly written: (urgent: boolean) => void;
} {
  const stream = pino.destination({ fd: 2, sync: true, minLength: GATHER_OCTETS });
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    stream.flushSync();
  };
  process.once('exit', flush);
  return {
    stream,
    written: (urgent) => {
      if (urgent) flush();
      else timer ??= setTimeout(flush, GATHER_MS).unref();
    },
  };
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
  return [...(text ?? '')].map(escapeControl).join('');
}

function escapeControl(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const control =
    code < 0x20 ||
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069);
  return control ? `\\u${code.toString(16).padStart(4, '0')}` : character;
}
