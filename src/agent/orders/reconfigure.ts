// The configuration of a running agent: what is in force, and how another one takes its place.
//
//   text ─▶ parsed as at start ─▶ every fault, or: what takes a restart? ─▶ refused as a whole, or taken over
//
// Taking over is a diff: each port, client and session compares what held for it with what holds now, and where that is
// the same nothing is touched: no deadline, no grant, no topic. Nor is what an administrator set while it runs: a port's
// control, and timers (overrides.ts), give way where the new configuration says something else than the one before did.
// The file is not written: after a restart it holds again what the file says.

import { assertNever, err } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import { restartPaths, same } from '../../config/diff.ts';
import { describeFault, describePlace, type Fault } from '../../config/fault.ts';
import { lockFile } from '../../config/lock-file.ts';
import { type ParsedConfig, parseConfig } from '../../config/parse.ts';
import { type ReadSecret, secretFiles, withoutSecrets } from '../../config/secrets.ts';
import type { Command, TimerChange, TimerTarget } from '../../report/commands.ts';
import type { Core } from '../core.ts';
import { isRefused, type Outcome, type Refused, refused } from '../outcome.ts';
import { sessionsFollow, type Touched, touchedBy } from '../session/follow.ts';
import { TimerOverrides } from './overrides.ts';

/** Where the configuration comes from. */
export interface ConfigSource {
  /** As it was read at start. */
  readonly text: string;
  readonly readSecret: ReadSecret;
}

const NOT_NAMED =
  'the running configuration does not name this file, so that it can be used after a restart or SIGHUP only';

/** Of the faults that a warning names. */
const MOST_PLACES = 10;

export class Reconfigure {
  private text: string;
  /** What the text says, without what was set meanwhile. */
  private configured: Config;
  /** As it was kept last. */
  private lockFile = '';
  private readonly overrides = new TimerOverrides();
  private readonly readSecret: ReadSecret;

  constructor(
    private readonly core: Core,
    source: ConfigSource,
  ) {
    this.text = source.text;
    this.configured = core.config;
    this.readSecret = source.readSecret;
  }

  perform(command: Extract<Command, { readonly verb: 'config' }>): Outcome<'config'> {
    switch (command.action) {
      case 'get':
        return this.get();
      case 'check':
        return this.check(command.text);
      case 'apply':
        return this.apply(command.text, this.namedOnly());
      default:
        return assertNever(command);
    }
  }

  /** The file was read anew. Whoever asked for that by a signal has only the log, and upstream a warning. */
  reload(text: string): void {
    const { out, parts } = this.core;
    const outcome = this.apply(text, this.readSecret);
    if (!isRefused(outcome)) {
      const { ports = [], sessions = 0 } = outcome;
      out.log('info', 'the configuration is taken over', { ports: ports.join(' '), sessions });
      for (const warning of outcome.warnings ?? []) out.log('warn', describeFault(warning));
      return;
    }
    for (const fault of outcome.faults ?? []) out.log('error', describeFault(fault));
    const why = outcome.code === 'bad-value' ? places(outcome) : outcome.message;
    parts.reporter.warning('config', `the configuration is not taken over: ${why}`, {});
  }

  /** Until a restart, or a configuration that says something else of this role or port. */
  timers(target: TimerTarget, change: TimerChange): Outcome<'timers'> {
    const { core } = this;
    const { ports } = core.parts;
    if ('role' in target) {
      if (!core.config.roles.has(target.role))
        return refused('not-found', `there is no role '${target.role}'`, 'role');
    } else if (ports.get(target.port) === undefined || core.settings.port(target.port).control === 'off')
      return refused('not-found', `${target.port} is no controlled port of this switch`, 'port');
    this.overrides.set(target, change);
    core.config = this.overrides.over(this.configured);
    ports.reconfigure();
    return { sessions: sessionsFollow(core) };
  }

  /** What is to be locked before the next start: by the configuration, not by what was set meanwhile. */
  keepLockFile(): void {
    const text = lockFile(this.configured, this.text);
    if (text !== this.lockFile) this.core.out.push({ type: 'keep-lock-file', text });
    this.lockFile = text;
  }

  private get(): Outcome<'config'> {
    const text = withoutSecrets(this.text);
    return text === undefined ? refused('refused', 'the configuration cannot be shown') : { text };
  }

  private check(text: string): Outcome<'config'> {
    const parsed = parse(text, this.namedOnly());
    if (isRefused(parsed)) return parsed;
    const { config, warnings } = parsed;
    const restart = restartPaths(this.configured, config);
    return { warnings, restart_needed: restart, ...(restart.length === 0 ? this.touches(config) : {}) };
  }

  /** Whom it would touch. */
  private touches(config: Config): Touched {
    const overrides = this.overrides.copy();
    overrides.follow(this.configured, config);
    return this.core.under(overrides.over(config), () => touchedBy(this.core));
  }

  private apply(text: string, readSecret: ReadSecret): Outcome<'config'> {
    const parsed = parse(text, readSecret);
    if (isRefused(parsed)) return parsed;
    const { config, warnings } = parsed;
    const paths = restartPaths(this.configured, config);
    if (paths.length > 0) return needsRestart(paths);
    this.text = text;
    return { applied: true, warnings, ...this.takeOver(config) };
  }

  /**
   * For a text that a command brings: it cannot have the agent, which may read everything, open any path, or tell by its
   * answers what there is.
   */
  private namedOnly(): ReadSecret {
    const named = secretFiles(this.text);
    return (path) => (named.has(path) ? this.readSecret(path) : err(NOT_NAMED));
  }

  private takeOver(config: Config): { readonly ports: readonly string[]; readonly sessions: number } {
    const { core } = this;
    const { ports, watch } = core.parts;
    if (config.log.level !== core.config.log.level)
      core.out.push({ type: 'log-level', level: config.log.level });
    const before = core.config;
    this.overrides.follow(this.configured, config);
    this.configured = config;
    this.keepLockFile();
    core.config = this.overrides.over(config);
    watch.reconfigure();
    core.parts.reauthentication.configure();
    if (!same(before.radius, core.config.radius)) core.parts.aaa.configure();
    core.parts.vlans.configure();
    core.parts.web.configure();
    core.parts.certified.configure();
    if (!same(before, core.config)) core.parts.reporter.infoChanged();
    return { ports: ports.reconfigure(), sessions: sessionsFollow(core) };
  }
}

function parse(text: string, readSecret: ReadSecret): ParsedConfig | Refused {
  const parsed = parseConfig(text, readSecret);
  return parsed.ok ? parsed.value : faulty(parsed.error);
}

/** Where it is wrong, and no more: a fault's text is for whoever wrote the file, and has some of it. */
function places({ faults = [] }: Refused): string {
  const named = faults.slice(0, MOST_PLACES).map(describePlace);
  const more = faults.length > named.length ? [`${faults.length - named.length} more`] : [];
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return `${count}: ${[...named, ...more].join(', ')}`;
}

function faulty(faults: readonly Fault[]): Refused {
  const message = faults.map(describeFault).join('; ');
  return { ...refused('bad-value', message, faults[0]?.path), faults };
}

function needsRestart(paths: readonly string[]): Refused {
  const message = `a restart is needed to change ${paths.join(', ')}; nothing is changed`;
  const faults = paths.map((path) => ({ path, message: 'a restart is needed to change this' }));
  return { ...refused('refused', message, paths[0]), faults };
}
