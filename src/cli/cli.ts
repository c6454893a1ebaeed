// The command line. Table for people, `--json` for programs. Exit codes: 0 done, 1 refused, 2 usage, 3 no agent.
//
// `run` is handed in by main.ts, so that a command that only asks an agent loads nothing of the agent itself.

import { Command, CommanderError } from 'commander';
import { parseIp } from '../base/ip.ts';
import { messageOf } from '../base/result.ts';
import type { Config } from '../config/config.ts';
import { PORT_CONTROLS } from '../model/port.ts';
import { PROBE_WAYS } from '../model/probe.ts';
import { eventCount, number, numberOrNone, oneOf, wholeNumber, yesOrNo } from './arguments.ts';
import { addCertified } from './certified.ts';
import { type CheckOptions, check, type Files, type HostFinding } from './check.ts';
import { confirmOnTerminal } from './confirm.ts';
import { withConnection } from './connection-options.ts';
import { LARGEST_FILE, tooLarge } from './large-file.ts';
import { addMetrics } from './metrics.ts';
import type { Output } from './screen.ts';
import {
  type DisconnectFlags,
  type SelectorOptions,
  selected,
  selector,
  type TimerFlags,
} from './selector.ts';
import { ask, type Connection, DEFAULT_CONFIG, EXIT, events, type Terminal } from './session.ts';
import { printer } from './standard-output.ts';
import { colors, plural } from './text.ts';
import { addTop } from './top.ts';
import { addUci } from './uci.ts';
import {
  configView,
  disconnectView,
  explainView,
  infoView,
  portsView,
  serversView,
  sessionsView,
  sessionView,
} from './views.ts';

export interface CliOptions {
  /** Runs the agent; its exit code. */
  readonly run: (options: { readonly config: string }) => Promise<number>;
  readonly files: Files;
  /** What `check` asks of this kernel, bridge and process. */
  readonly checkHost?: (config: Config) => Promise<readonly HostFinding[]>;
  readonly version?: string;
  readonly out?: (text: string) => void;
  readonly err?: (text: string) => void;
  /** Default: when stdout is a terminal and NO_COLOR is not set. */
  readonly color?: boolean;
  readonly now?: () => number;
  /** Asks whoever sits there; default: on the terminal, if there is one. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Ends `events` and `top`. */
  readonly signal?: AbortSignal;
  /** What `top` is drawn in; default: the terminal, if stdout is one. */
  readonly window?: Output;
}

export interface Cli {
  /** Arguments without `node` and the script. The exit code; never throws. */
  parse(args: readonly string[]): Promise<number>;
}

export function buildCli(options: CliOptions): Cli {
  const out = options.out ?? printer();
  const error = options.err ?? ((text: string) => void process.stderr.write(text));
  const color = options.color ?? (process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '');
  const terminal: Terminal = { out, err: error, paint: colors(color), now: options.now ?? Date.now };
  return {
    parse: async (args) => {
      let code: number = EXIT.done;
      const program = new Program(options, terminal, (value) => {
        code = value;
      });
      try {
        await program.command.parseAsync([...args], { from: 'user' });
        return code;
      } catch (cause) {
        if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.done : EXIT.usage;
        error(`rollcall: ${messageOf(cause)}\n`);
        return EXIT.refused;
      }
    },
  };
}

class Program {
  readonly command: Command;

  constructor(
    private readonly options: CliOptions,
    private readonly terminal: Terminal,
    private readonly exit: (code: number) => void,
  ) {
    this.command = new Command('rollcall')
      .description('802.1X access-device agent: who is on which port, and gone when they are gone.')
      .version(options.version ?? '0', '-V, --version')
      .showSuggestionAfterError()
      .exitOverride()
      .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
      .addHelpText(
        'after',
        '\nExit codes: 0 done, 1 refused, 2 usage, 3 no agent; of run: 78 the configuration has a fault.',
      );
    this.agent();
    this.reading();
    this.acting();
    this.setting();
    this.configuring();
    addCertified(this.command, {
      verb: (name, description, parent) => this.verb(name, description, parent),
      ask: async (question) => {
        const code = await ask({ ...question, verb: 'certified', terminal });
        exit(code);
        return code;
      },
      exit,
    });
  }

  private agent(): void {
    this.command
      .command('run')
      .description('run the agent')
      .option('-c, --config <file>', 'configuration', DEFAULT_CONFIG)
      .action(async ({ config }: { config: string }) => this.exit(await this.options.run({ config })));
    this.command
      .command('check')
      .description('say everything that is wrong with a configuration, and with this switch for it')
      .option('-c, --config <file>', 'configuration', DEFAULT_CONFIG)
      .option('--schema', 'print the JSON Schema of the configuration instead')
      .option('--no-host', 'look at the file only')
      .option(
        '--write-lock [file]',
        'look at the file only, and write what rollcall-lock locks before the agent runs',
      )
      .option('--json', 'for programs')
      .action(async (flags: Omit<CheckOptions, 'files' | 'checkHost'>) => {
        const { checkHost, files } = this.options;
        const clean = await check(
          { ...flags, files, ...(checkHost === undefined ? {} : { checkHost }) },
          this.terminal,
        );
        this.exit(clean ? EXIT.done : EXIT.refused);
      });
    addUci(this.command, { files: this.options.files, terminal: this.terminal, exit: this.exit });
  }

  private reading(): void {
    this.verb('status', 'the agent: version, what it can do, counts')
      // As the same is called on MQTT.
      .alias('info')
      .action((flags: Connection) => this.ask(flags, 'info', {}, infoView));
    this.verb('servers', 'the RADIUS servers: who answers, how fast, what was dropped').action(
      (flags: Connection) => this.ask(flags, 'servers', {}, serversView),
    );
    this.verb('ports', 'all ports, or one')
      .argument('[port]')
      .action((port: string | undefined, flags: Connection) => this.ask(flags, 'ports', { port }, portsView));
    this.verb('sessions', 'who is on')
      .option('--port <port>', 'on one port')
      .option('--role <role>', 'in one role')
      .option('--user <name>', 'of one user')
      .action(
        ({ port, role, user, ...flags }: Connection & { port?: string; role?: string; user?: string }) =>
          this.ask(flags, 'sessions', { port, role, user }, sessionsView),
      );
    this.verb('session', 'one session in full')
      .argument('<who>', 'MAC or IP address, or session id')
      .action((who: string, flags: Connection) => this.ask(flags, 'session', selector(who), sessionView));
    this.verb('explain', 'why somebody is not in: the last decisions about a client')
      .argument('<who>', 'MAC address, or IP address behind the switch')
      .action((who: string, flags: Connection) =>
        this.ask(flags, 'explain', parseIp(who) === undefined ? { mac: who } : { ip: who }, explainView),
      );
    this.verb('events', 'follow what happens, until interrupted')
      .option('-n, --recent <count>', 'print the newest events, 1000 at most, and end', eventCount)
      .action(async ({ recent, ...flags }: Connection & { recent?: number }) =>
        this.exit(await events(flags, recent, this.terminal, this.options.signal)),
      );
    const { terminal, exit } = this;
    const { files, signal, window } = this.options;
    addTop(withConnection(this.command.command('top')), { terminal, exit, signal, window });
    addMetrics(withConnection(this.command.command('metrics')), { terminal, exit, files });
  }

  private acting(): void {
    this.disconnect();
    this.selecting(
      'reauth',
      'let users authenticate again, without interruption',
      'reauthenticate',
      (result) =>
        plural(result.reauthenticating, 'session authenticates again', 'sessions authenticate again'),
    );
    this.selecting('probe', 'ask clients for a sign of life now', 'probe', (result) =>
      plural(result.probed, 'session was probed', 'sessions were probed'),
    );
    this.verb('drain', 'log everybody off and stop the agent').action((flags: Connection) =>
      this.ask(flags, 'drain', {}, ({ draining }) =>
        plural(
          draining,
          'session is being ended, then the agent stops',
          'sessions are being ended, then the agent stops',
        ),
      ),
    );
  }

  private setting(): void {
    this.verb('port', "set a port's control, until a restart or a configuration that changes it")
      .argument('<port>')
      .argument('<control>', PORT_CONTROLS.join(' | '), oneOf(PORT_CONTROLS))
      .action((port: string, control: string, flags: Connection) =>
        this.ask(flags, 'port', { port, control }, (result) => `${result.port} is now ${result.control}`),
      );
    this.verb(
      'timers',
      'set the timers of a role or a port, until a restart or a configuration that changes them',
    )
      .option('--role <role>')
      .option('--port <port>')
      .option('--period <seconds>', 'handshake period T; 0 = off', number)
      .option('--times <n>', 'handshake times N', wholeNumber)
      .option('--keep <yes|no>', 'never end a session for silence', yesOrNo)
      .option('--wake <yes|no>', 'clients that sleep: probe at the middle of a silent period too', yesOrNo)
      .option('--probe <how>', `how clients are asked: ${PROBE_WAYS.join(' | ')}`, oneOf(PROBE_WAYS))
      .option('--session-time <seconds>', 'session timer; 0 = none', number)
      .option('--heartbeat <seconds>', 'heartbeat timer, or none', numberOrNone)
      .action(({ period, sessionTime, heartbeat, ...flags }: Connection & TimerFlags, command: Command) => {
        const { role, port, times, keep, wake, probe } = flags;
        if ((role === undefined) === (port === undefined))
          command.error('error: exactly one of --role and --port is needed');
        return this.ask(
          flags,
          'timers',
          {
            role,
            port,
            period_s: period,
            times,
            keep,
            wake,
            probe,
            session_s: sessionTime,
            heartbeat_s: heartbeat === 'none' ? null : heartbeat,
          },
          ({ sessions }) => `set; ${plural(sessions, 'session is', 'sessions are')} under them`,
        );
      });
  }

  private configuring(): void {
    const group = this.command
      .command('config')
      .description('the configuration of the running agent: show it, try another one, take it over')
      .allowExcessArguments()
      .action(() =>
        group.error(`error: one of ${group.commands.map((each) => each.name()).join(', ')} is needed`),
      );
    this.verb('get', 'the configuration in force, without secrets and comments', group).action(
      (flags: Connection) => this.ask(flags, 'config', { get: true }, ({ text }) => (text ?? '').trimEnd()),
    );
    this.verb('check', 'say everything that is wrong with a file, and what would take a restart', group)
      .argument('<file>', `${LARGEST_FILE}; \`rollcall check\` takes larger ones`)
      .action((file: string, flags: Connection) => this.send(flags, 'check', file));
    this.verb('apply', 'take a file over, until the next restart or reload', group)
      .argument('<file>', `${LARGEST_FILE}; a larger one goes by SIGHUP`)
      .action((file: string, flags: Connection) => this.send(flags, 'apply', file));
  }

  /** The file is here; its `{file: ...}` secrets are on the switch. */
  private async send(flags: Connection, action: 'check' | 'apply', file: string): Promise<void> {
    const text = this.options.files.readText(file);
    const wrong = text.ok ? tooLarge(action, file, text.value) : `cannot read ${file}: ${text.error}`;
    if (text.ok && wrong === undefined) await this.ask(flags, 'config', { [action]: text.value }, configView);
    else {
      this.terminal.err(`${this.terminal.paint.red('rollcall:')} ${wrong}\n`);
      this.exit(EXIT.usage);
    }
  }

  private selecting<V extends 'reauthenticate' | 'probe'>(
    name: string,
    description: string,
    verb: V,
    say: (result: Parameters<Parameters<typeof ask<V>>[0]['view']>[0]) => string,
  ): void {
    this.selectable(name, description).action(
      (who: string | undefined, flags: Connection & SelectorOptions, command: Command) =>
        this.ask(flags, verb, selected(who, flags, command), say),
    );
  }

  private disconnect(): void {
    this.selectable('disconnect', 'log users off (cause admin-reset), and say when they are locked out')
      .option('--bounce', 'take their ports down for some seconds, too')
      .option('-n, --dry-run', 'log nobody off: say who would be')
      .option('-y, --yes', 'with --all: do not ask before')
      .action(
        async (
          who: string | undefined,
          { bounce, dryRun, yes, ...flags }: Connection & SelectorOptions & DisconnectFlags,
          command: Command,
        ) => {
          const request = { ...selected(who, flags, command), bounce };
          const asks = flags.all === true && dryRun !== true && yes !== true;
          if (asks && !(await this.confirmed(flags, request, command))) return;
          await this.ask(flags, 'disconnect', { ...request, dry_run: dryRun }, disconnectView);
        },
      );
  }

  /** After a look at who would be logged off. */
  private async confirmed(connection: Connection, request: object, command: Command): Promise<boolean> {
    const { confirm = process.stdin.isTTY === true ? confirmOnTerminal : undefined } = this.options;
    if (confirm === undefined) command.error('error: --all needs --yes where nobody can be asked');
    const { json: _, ...plain } = connection;
    let foreseen = '';
    const code = await ask({
      connection: plain,
      verb: 'disconnect',
      request: { ...request, dry_run: true },
      view: disconnectView,
      terminal: {
        ...this.terminal,
        out: (text) => {
          foreseen = text.trim();
        },
      },
    });
    const yes = code === EXIT.done && (await confirm(`${foreseen}. Go on?`));
    if (!yes) this.exit(code === EXIT.done ? EXIT.refused : code);
    return yes;
  }

  private selectable(name: string, description: string): Command {
    return this.verb(name, `${description}; of several keys all must fit`)
      .argument('[who]', 'MAC or IP address, or session id')
      .option('--user <name>', 'sessions of a user')
      .option('--port <port>', 'sessions of a port')
      .option('--role <role>', 'sessions in a role')
      .option('--all', 'all sessions');
  }

  private verb(name: string, description: string, parent = this.command): Command {
    return withConnection(
      parent.command(name).description(description).option('--json', 'the answer as it is, for programs'),
    );
  }

  private async ask<V extends Parameters<typeof ask>[0]['verb']>(
    connection: Connection,
    verb: V,
    request: object,
    view: Parameters<typeof ask<V>>[0]['view'],
  ): Promise<void> {
    this.exit(await ask<V>({ connection, verb, request, view, terminal: this.terminal }));
  }
}
