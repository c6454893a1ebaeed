// `rollcall top`: who is on and how much they send, looked at again and again. On a terminal it is drawn in place; into a pipe or
// a file, with --count and with --json it is printed round by round.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ok, type Result } from '../base/result.ts';
import { waitingTime, wholeNumber } from './arguments.ts';
import { type Look, look, type NoLook } from './look.ts';
import { type Output, Screen } from './screen.ts';
import { type Connection, complain, EXIT, open, type Terminal } from './session.ts';
import { type Reading, type Row, rowsOf, SORTS, type Sort, sessionLines, stateLines } from './top-view.ts';

/** Each round is a reading of the ports, and an answer about every session. */
const SHORTEST_S = 0.1;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Flags extends Connection {
  readonly interval: number;
  readonly count?: number;
  readonly sort: Sort;
}

/** What the program has for it. */
export interface Means {
  readonly terminal: Terminal;
  readonly exit: (code: number) => void;
  /** What to draw in; default: the terminal, if stdout is one. */
  readonly window: Output | undefined;
  /** Ends it, as Ctrl-C does. */
  readonly signal: AbortSignal | undefined;
}

export function addTop(command: Command, means: Means): void {
  command
    .description('who is on and how much they send, looked at again and again')
    .option('--interval <seconds>', 'how often', interval, 2)
    .option('-n, --count <rounds>', 'print so many rounds and end', wholeNumber)
    .option('--json', 'a document each round, on a line, for programs')
    .addOption(new Option('--sort <by>', 'what comes first').choices(SORTS).default('rate'))
    .addHelpText(
      'after',
      '\nOn a terminal it is drawn in place until q or Ctrl-C; else, with --count and with --json it is printed, a round each interval.',
    )
    .action(async (flags: Flags) => means.exit(await top(flags, means)));
}

function interval(text: string): number {
  const value = waitingTime(text);
  if (value < SHORTEST_S) throw new InvalidArgumentError(`not ${SHORTEST_S} or more.`);
  return value;
}

function ownWindow(): Output | undefined {
  return process.stdout.isTTY === true ? process.stdout : undefined;
}

/** What a round is, once it is known. */
type Round = Result<{ readonly reading: Reading; readonly rows: readonly Row[] }, NoLook>;

/** An agent that is not there at first is an error as of every command; one that goes away later is waited for. */
async function top(flags: Flags, { terminal, window = ownWindow(), signal }: Means): Promise<number> {
  const client = await open(flags);
  if (!client.ok) return complain(terminal, client.error, EXIT.usage);
  const stop = new Stop(signal);
  const read = async (): Promise<Result<Reading, NoLook>> => {
    const looked = await look(client.value, { counters: true });
    return looked.ok ? ok({ ...looked.value, at: performance.now() }) : looked;
  };
  let display: Display | undefined;
  try {
    const first = await stop.before(read());
    if (first === undefined) return EXIT.done;
    if (!first.ok) return complain(terminal, first.error.message, first.error.code);
    display = displayFor(flags, terminal, flags.count === undefined ? window : undefined, stop);
    let before: Reading | undefined = first.value;
    display.first({ reading: first.value, rows: rowsOf(first.value, undefined, flags.sort) });
    for (let left = flags.count ?? Number.POSITIVE_INFINITY; left > 0; left--) {
      if (!(await stop.pause(flags.interval * 1000))) return EXIT.done;
      const next = await stop.before(read());
      if (next === undefined) return EXIT.done;
      const round: Round = next.ok
        ? ok({ reading: next.value, rows: rowsOf(next.value, before, flags.sort) })
        : next;
      display.round(round);
      before = next.ok ? next.value : undefined;
      if (left === 1 && !next.ok) return next.error.code;
    }
    return EXIT.done;
  } finally {
    display?.close();
    stop.close();
    await client.value.close();
  }
}

interface Display {
  /** Without rates, for which it takes a second look. */
  first(round: { readonly reading: Reading; readonly rows: readonly Row[] }): void;
  round(round: Round): void;
  close(): void;
}

function displayFor(flags: Flags, terminal: Terminal, window: Output | undefined, stop: Stop): Display {
  if (flags.json === true) return new JsonLines(terminal);
  return window === undefined ? new Plain(terminal) : new Drawn(flags, terminal, window, stop);
}

/** One document a round, on a line. */
class JsonLines implements Display {
  constructor(private readonly terminal: Terminal) {}

  first(): void {}

  round(round: Round): void {
    const time = new Date(this.terminal.now()).toISOString();
    this.terminal.out(
      `${JSON.stringify({ time, ...(round.ok ? body(round.value) : { ok: false, error: round.error }) })}\n`,
    );
  }

  close(): void {}
}

function body({ reading, rows }: { readonly reading: Look; readonly rows: readonly Row[] }): object {
  const { info, servers, ports } = reading;
  const sessions = rows.map(({ session, rates }) => ({
    ...session,
    rates:
      rates === undefined
        ? null
        : { input_octets_per_s: Math.round(rates.input), output_octets_per_s: Math.round(rates.output) },
  }));
  return { ok: true, info, servers, ports, sessions };
}

class Plain implements Display {
  private printed = false;
  private away = false;

  constructor(private readonly terminal: Terminal) {}

  first(): void {}

  round(round: Round): void {
    const { terminal } = this;
    if (!round.ok) {
      if (!this.away) complain(terminal, `${round.error.message}; trying on`, round.error.code);
      this.away = true;
      return;
    }
    this.away = false;
    const context = { paint: terminal.paint, now: terminal.now() };
    const lines = [
      ...(this.printed ? [''] : []),
      `${clock(terminal)} ${stateLines(round.value.reading, context)}`,
      ...sessionLines(round.value.rows, context),
    ];
    this.printed = true;
    terminal.out(`${lines.join('\n')}\n`);
  }

  close(): void {}
}

class Drawn implements Display {
  private readonly screen: Screen;

  constructor(
    private readonly flags: Flags,
    private readonly terminal: Terminal,
    output: Output,
    stop: Stop,
  ) {
    const keyboard = process.stdin.isTTY === true ? process.stdin : undefined;
    this.screen = Screen.open({ output, keyboard, onQuit: () => stop.now() });
  }

  first(round: { readonly reading: Reading; readonly rows: readonly Row[] }): void {
    this.round(ok(round));
  }

  round(round: Round): void {
    const { terminal, flags } = this;
    const { paint } = terminal;
    const how = paint.dim(`${clock(terminal)}, every ${flags.interval} s, by ${flags.sort}; q quits`);
    if (!round.ok) {
      this.screen.show(() => [`${paint.red(round.error.message)}; trying on`, how]);
      return;
    }
    const { reading, rows } = round.value;
    const context = { paint, now: terminal.now() };
    this.screen.show((size) => {
      const head = [...stateLines(reading, context, size.columns), how, ''];
      return [...head, ...sessionLines(rows, context, size.rows - head.length)];
    });
  }

  close(): void {
    this.screen.close();
  }
}

/** Of the day, where whoever looks is. */
function clock({ now }: Terminal): string {
  return new Date(now()).toLocaleTimeString('en-GB');
}

/** When it is to end: a key, or a signal. */
class Stop {
  private readonly controller = new AbortController();
  readonly now = (): void => this.controller.abort();

  constructor(private readonly signal: AbortSignal | undefined) {
    signal?.addEventListener('abort', this.now, { once: true });
    for (const name of SIGNALS) process.once(name, this.now);
  }

  /** False: it is to end. */
  async pause(ms: number): Promise<boolean> {
    return sleep(ms, true, { signal: this.controller.signal }).catch(() => false);
  }

  /** What is waited for, or undefined if it is to end before. */
  async before<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.controller;
    if (signal.aborted) return undefined;
    let quit = (): void => undefined;
    const stopped = new Promise<undefined>((resolve) => {
      quit = () => resolve(undefined);
      signal.addEventListener('abort', quit, { once: true });
    });
    try {
      return await Promise.race([work, stopped]);
    } finally {
      signal.removeEventListener('abort', quit);
    }
  }

  close(): void {
    this.signal?.removeEventListener('abort', this.now);
    for (const name of SIGNALS) process.removeListener(name, this.now);
  }
}
