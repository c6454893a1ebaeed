// Processes of the lab: short commands that are awaited, and long-running peers that are stopped by their own pid.
//
// Every long-running one is started through `setpriv --pdeathsig KILL`, so that it dies with the test process whatever
// ends that. Limit: output is kept whole, in memory; the lab's peers say little.

import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { patience } from './patience.ts';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. A non-zero exit is an answer, not an exception; a missing program is an exception. */
export function run(
  argv: readonly string[],
  options: { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = argv;
    const child = execFile(
      program,
      rest,
      { timeout: patience(options.timeoutMs ?? 30_000), maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ code: 0, stdout, stderr });
        if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr });
        reject(new Error(`${argv.join(' ')}: ${error.killed ? 'took too long' : error.message}`));
      },
    );
    if (options.input !== undefined) {
      // Who does not read it to the end says so by its exit code.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(options.input);
    }
  });
}

/** As `run`, but a non-zero exit throws with what the command said. Returns its standard output. */
export async function must(
  argv: readonly string[],
  options: { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<string> {
  const finished = await run(argv, options);
  if (finished.code !== 0) {
    throw new Error(
      `${argv.join(' ')}: exit ${finished.code}: ${finished.stderr.trim() || finished.stdout.trim()}`,
    );
  }
  return finished.stdout;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks until the answer is neither null nor false; throws after `timeoutMs` with `what` that was awaited. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null | false> | T | null | false,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + patience(timeoutMs);
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${patience(timeoutMs)} ms: ${what}`);
    await sleep(50);
  }
}

export interface ProcessOptions {
  /** For messages: which peer this is. */
  readonly name: string;
  readonly argv: readonly string[];
  /** Name of the network namespace to run in. */
  readonly netns?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** One long-running peer. Its output is both streams in the order of arrival, whole lines. */
export class LabProcess {
  readonly name: string;
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #exitCode: number | null = null;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    const inside = options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns];
    const [program = '', ...rest] = [...inside, 'setpriv', '--pdeathsig', 'KILL', ...options.argv];
    this.#child = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    this.#collect(this.#child.stdout);
    this.#collect(this.#child.stderr);
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#note(`could not start: ${error.message}`));
      this.#child.on('close', (code, signal) => {
        this.#exitCode = code ?? (signal === 'SIGKILL' ? 137 : 143);
        resolve(this.#exitCode);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#exitCode === null;
  }

  /** null while it runs. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Ends its standard input. */
  end(): void {
    this.#child.stdin?.end();
  }

  /** The first line that matches, among those since `fromLine` (default: all so far) and those to come. */
  async waitForLine(
    pattern: RegExp,
    options: { readonly timeoutMs?: number; readonly fromLine?: number } = {},
  ): Promise<string> {
    const seen = this.#lines.slice(options.fromLine ?? 0).find((line) => pattern.test(line));
    if (seen !== undefined) return seen;
    const timeoutMs = patience(options.timeoutMs ?? 10_000);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        act();
      };
      const complain = (why: string): void =>
        settle(() =>
          reject(
            new Error(
              `${this.name}: ${why}, no line like ${pattern}; it said:\n${this.#lines.slice(-40).join('\n')}`,
            ),
          ),
        );
      const listener = (line: string): void => {
        if (pattern.test(line)) settle(() => resolve(line));
      };
      const timer = setTimeout(() => complain(`${timeoutMs} ms passed`), timeoutMs);
      this.#listeners.add(listener);
      void this.exited.then((code) => complain(`it ended with ${code}`));
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  /** TERM, and KILL after `graceMs`. Returns the exit code; safe to call twice. */
  async stop(graceMs = 3000): Promise<number> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), patience(graceMs));
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  #collect(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) this.#note(line);
    });
    stream?.on('end', () => {
      if (rest !== '') this.#note(rest);
    });
  }

  #note(line: string): void {
    this.#lines.push(line);
    for (const listener of [...this.#listeners]) listener(line);
  }
}
