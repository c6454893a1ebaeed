// The service manager that started us, if it is one that wants to hear: sd_notify(3), through libsystemd, since Node has no
// datagram socket of the kind that it takes. Loaded only where NOTIFY_SOCKET is set; elsewhere nothing is loaded or said.
//
// The watchdog is fed from this process's own loop, six times in the time that the manager allows, so that a loop which is
// late by most of it, under load, is not taken for dead, and one that stands still is.
//
// Bounds: a call does not wait but for the manager's own queue; a message that fails is lost, and said once.

import koffi from 'koffi';
import { messageOf } from '../../base/result.ts';

const LIBRARY = 'libsystemd.so.0';
const FEEDS_PER_TIMEOUT = 6;

export interface ServiceManagerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** What is to be seen in `systemctl status`; asked for whenever the watchdog is fed, and told when it has changed. */
  readonly status: () => string;
  readonly onError: (message: string) => void;
  /** Default: sd_notify. Negative: errno. */
  readonly notify?: (state: string) => number;
}

export class ServiceManager {
  private feeding: NodeJS.Timeout | undefined;
  private said = '';
  private hasFailed = false;

  private constructor(
    private readonly options: ServiceManagerOptions,
    private readonly notify: (state: string) => number,
  ) {}

  /** Undefined where nobody wants to hear, or nothing can be told: that is said. */
  static find(options: ServiceManagerOptions): ServiceManager | undefined {
    if (options.env.NOTIFY_SOCKET === undefined) return undefined;
    try {
      return new ServiceManager(options, options.notify ?? sdNotify());
    } catch (cause) {
      options.onError(`the service manager cannot be told anything: ${messageOf(cause)}`);
      return undefined;
    }
  }

  /** Before the first `ready`, or in the middle of something long. */
  status(text: string): void {
    this.tell(`STATUS=${oneLine(text)}`);
  }

  /** Ports are locked and watched; from now on the watchdog is fed. */
  ready(): void {
    this.tell(`READY=1\n${this.statusLine()}`);
    const period = feedingPeriod(this.options.env, this.options.pid);
    const every = period ?? DEFAULT_STATUS_MS;
    this.feeding ??= setInterval(() => this.feed(period !== undefined), every);
  }

  /** `work` is the whole of it. */
  reloading(work: () => void): void {
    this.tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    work();
    this.tell(`READY=1\n${this.statusLine()}`);
  }

  /** The watchdog is fed on: what is done at the end has its own bounds. */
  stopping(): void {
    this.tell('STOPPING=1');
  }

  close(): void {
    clearInterval(this.feeding);
  }

  private feed(isWatched: boolean): void {
    const before = this.said;
    const line = this.statusLine();
    const lines = [...(isWatched ? ['WATCHDOG=1'] : []), ...(line === before ? [] : [line])];
    if (lines.length > 0) this.tell(lines.join('\n'));
  }

  private statusLine(): string {
    this.said = `STATUS=${oneLine(this.options.status())}`;
    return this.said;
  }

  private tell(state: string): void {
    const result = this.notify(state);
    if (result >= 0 || this.hasFailed) return;
    this.hasFailed = true;
    this.options.onError(`the service manager was not reached: errno ${-result}`);
  }
}

/** Where no watchdog is wanted. */
const DEFAULT_STATUS_MS = 10_000;

/** In milliseconds; undefined where no watchdog is wanted of this process: sd_watchdog_enabled(3). */
export function feedingPeriod(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: timeout, WATCHDOG_PID: watched } = env;
  if (timeout === undefined || !/^[1-9][0-9]{0,15}$/.test(timeout)) return undefined;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  return Math.max(1, Math.floor(Number(timeout) / 1000 / FEEDS_PER_TIMEOUT));
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 400);
}

function sdNotify(): (state: string) => number {
  const call = koffi.load(LIBRARY).func('int sd_notify(int unset_environment, const char *state)');
  return (state) => Number(call(0, state));
}
