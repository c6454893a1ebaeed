// The agent as it is shipped: `node dist/rollcall.js run -c FILE` in the switch's namespace, and its command line.
// `make build` first: the rig starts what is in dist/.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { type ConfigPart, overlay } from '../config-part.ts';
import { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';
import type { Finished, LabProcess } from './process.ts';
import { until } from './process.ts';

const BUNDLE = path.resolve(import.meta.dirname, '../../../dist/rollcall.js');
/** The launcher's (dist/rollcall): the agent is tried as it runs. */
const FLAGS = ['--max-semi-space-size=1', '--heap-growing-percent=20', '--compact-on-every-full-gc'];

/** No user's and no group's of any machine. */
export const ORDINARY_USER = 64_321;

/** What the package's unit leaves a process: another user, two capabilities, and no way to more. */
export function asOrdinaryUser(user: number, capabilities: readonly string[]): readonly string[] {
  const these = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  return [
    'setpriv',
    ...['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', '--no-new-privs'],
    ...['--inh-caps', these, '--ambient-caps', these, '--bounding-set', these],
    // Lost with the user that asked for it.
    ...['--pdeathsig', 'KILL'],
  ];
}

/** `ROLLCALL_LAB_USER=1`: every agent of the lab runs as the package runs it. */
const ALWAYS_ORDINARY = process.env.ROLLCALL_LAB_USER !== undefined;

/** Where its switch speaks (docs/asyncapi.yaml). */
export const TOPIC_BASE = 'rollcall/v1/sw1';

/** Of an agent whose servers are beside it. */
export const LAB_CONFIG: ConfigPart = {
  switch: { id: 'sw1', bridge: 'br0', uplinks: ['up0'] },
  backend: 'switchdev',
  ports: { 'p*': { control: 'auto', host_mode: 'multi-auth', role: 'default' } },
  roles: { default: { session_s: 0, heartbeat_s: null, handshake: { period_s: 2, times: 3 } } },
  radius: {
    nas_identifier: 'sw1',
    nas_ip_address: '10.99.0.1',
    servers: [{ address: '127.0.0.1', auth_port: 1812, acct_port: 1813, secret: 'testing123' }],
    accounting: { interim_s: 0 },
    dynamic_authorization: { port: 3799, clients: [{ address: '127.0.0.1', secret: 'testing123' }] },
  },
  mqtt: { url: 'mqtt://127.0.0.1:1883' },
};

export class Agent {
  readonly #netns: Netns;
  readonly #folder: LabFolder;
  readonly #isOrdinary: boolean;
  readonly #env: Readonly<Record<string, string>>;
  #process: LabProcess | null = null;

  private constructor(
    netns: Netns,
    folder: LabFolder,
    isOrdinary: boolean,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#netns = netns;
    this.#folder = folder;
    this.#isOrdinary = isOrdinary;
    this.#env = env;
  }

  /**
   * Running, and answering on its control socket, when this returns. `omit`: top keys of the lab's configuration; `env`: what it
   * is started with beside the lab's own.
   */
  static async start(
    netns: Netns,
    config: ConfigPart = {},
    omit: readonly string[] = [],
    isOrdinary = ALWAYS_ORDINARY,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Agent> {
    const agent = new Agent(netns, new LabFolder('agent'), isOrdinary, env);
    agent.configure(config, omit);
    await agent.start();
    return agent;
  }

  /** One that is never started by this rig: for its configuration's text, and its command line. */
  static unstarted(netns: Netns): Agent {
    return new Agent(netns, new LabFolder('agent'), false);
  }

  get configFile(): string {
    return this.#folder.file('rollcall.yaml');
  }

  get stateDir(): string {
    return this.#folder.file('state');
  }

  get socket(): string {
    return this.#folder.file('rollcall.sock');
  }

  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  /** Of one that ended by itself; null while it runs. */
  get exitCode(): number | null {
    return this.#process?.exitCode ?? null;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning ?? false;
  }

  /** Its exit code, when it has ended. */
  get exited(): Promise<number> {
    return this.#process?.exited ?? Promise.resolve(0);
  }

  /** Its log, a line each. */
  get lines(): readonly string[] {
    return this.#process?.lines ?? [];
  }

  /** Writes the configuration file: the lab's, with `config` laid over it. The agent is not told. */
  configure(config: ConfigPart, omit: readonly string[] = []): void {
    this.#folder.write('rollcall.yaml', this.configText(config, omit));
  }

  /** What `configure` would write. */
  configText(config: ConfigPart, omit: readonly string[] = []): string {
    const base = Object.fromEntries(Object.entries(LAB_CONFIG).filter(([key]) => !omit.includes(key)));
    const places = { state_dir: this.stateDir, control_socket: this.socket };
    const whole = overlay(overlay(base, places), config);
    return stringify(whole, { aliasDuplicateObjects: false });
  }

  /** Starts it, or starts it again: its state folder is kept. */
  async start(): Promise<void> {
    const started = this.launch();
    await until(
      'the agent to answer `rollcall status`',
      async () => {
        if (!started.isRunning) throw new Error(`the agent ended at its start:\n${started.output}`);
        return existsSync(this.socket) && (await this.cli('status')).code === 0;
      },
      15_000,
    ).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${started.output}`);
    });
  }

  /** The same, and nobody waits for it to be ready. */
  launch(): LabProcess {
    if (!existsSync(BUNDLE)) throw new Error(`the lab needs ${BUNDLE}: run \`make build\``);
    if (this.#isOrdinary) this.#become(ORDINARY_USER);
    const started = this.#netns.start({
      name: 'rollcall',
      argv: [
        ...(this.#isOrdinary ? asOrdinaryUser(ORDINARY_USER, ['net_admin', 'net_raw']) : []),
        // Of the agent alone, not of what starts it.
        ...['env', ...Object.entries(this.#env).map(([name, value]) => `${name}=${value}`)],
        ...['node', ...FLAGS, BUNDLE, 'run', '-c', this.configFile],
      ],
    });
    this.#process = started;
    return started;
  }

  /** Its folder is this user's; a port below 1024 is one like others, as an administrator can have it (docs/install-dent.md). */
  #become(user: number): void {
    execFileSync('chown', ['-R', `${user}:${user}`, this.#folder.path]);
    execFileSync('ip', [
      'netns',
      'exec',
      this.#netns.name,
      'sysctl',
      '-qw',
      'net.ipv4.ip_unprivileged_port_start=80',
    ]);
  }

  /** SIGTERM: locks, grants and sessions stay. Returns its exit code. */
  async stop(): Promise<number> {
    this.thaw();
    const code = (await this.#process?.stop(10_000)) ?? 0;
    this.#process = null;
    return code;
  }

  /** It stands still, as one that gets no time, until `thaw`. */
  freeze(): void {
    this.signal('SIGSTOP');
  }

  thaw(): void {
    this.signal('SIGCONT');
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** SIGKILL: a crash. */
  async kill(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.exited;
    this.#process = null;
  }

  /** `rollcall ARGS...` beside the agent, over its control socket. */
  cli(...args: readonly string[]): Promise<Finished> {
    return this.rollcall(...args, '--socket', this.socket);
  }

  /** `rollcall ARGS...` on the switch, as they are. */
  rollcall(...args: readonly string[]): Promise<Finished> {
    return this.#netns.run(['node', BUNDLE, ...args]);
  }

  /** The same, with a prefix that makes it another user's. */
  rollcallAs(prefix: readonly string[], ...args: readonly string[]): Promise<Finished> {
    return this.#netns.run([...prefix, 'node', BUNDLE, ...args]);
  }

  /** The same, for one that goes on until it is stopped. */
  startRollcall(...args: readonly string[]): LabProcess {
    return this.#netns.start({ name: `rollcall ${args[0] ?? ''}`, argv: ['node', BUNDLE, ...args] });
  }

  /** `rollcall ARGS... --json`, decoded; throws if it was refused. */
  async ask(...args: readonly string[]): Promise<unknown> {
    const finished = await this.cli(...args, '--json');
    if (finished.code !== 0)
      throw new Error(
        `rollcall ${args.join(' ')}: exit ${finished.code}: ${finished.stderr}${finished.stdout}`,
      );
    return JSON.parse(finished.stdout);
  }

  async waitForLog(
    pattern: RegExp,
    options: { readonly timeoutMs?: number; readonly fromLine?: number } = {},
  ): Promise<string> {
    if (this.#process === null) throw new Error('the agent is not running');
    return this.#process.waitForLine(pattern, options);
  }

  async close(): Promise<void> {
    await this.stop();
    this.#folder.remove();
  }
}
