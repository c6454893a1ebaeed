// The composition root: arguments, clocks, signals. `run` locks the ports first (io/dataplane/our-bridge.ts), with nothing
// loaded but what that takes; then it loads the rest (store, captures, control socket, broker) and joins it to the shell.

import { version } from '../package.json';
import { Agent } from './agent/agent.ts';
import { toHex } from './base/bytes.ts';
import { ok, type Result } from './base/result.ts';
import type { Config } from './config/config.ts';
import { describeFault } from './config/fault.ts';
import { parseConfig } from './config/parse.ts';
import { type Closer, closeAll } from './io/closing.ts';
import { isListening } from './io/control/unix-socket.ts';
import type { KeptCaptures } from './io/dataplane/kept-captures.ts';
import { OurBridge } from './io/dataplane/our-bridge.ts';
import type { PortAuth } from './io/dataplane/portauth.ts';
import { removeRoutedPath } from './io/dataplane/routed-path.ts';
import { UplinkGuard } from './io/dataplane/uplink-guard.ts';
import { systemEntropy } from './io/entropy.ts';
import { readSecret, readText, replaceFile } from './io/files.ts';
import { checkHost, openDataplane } from './io/host/host.ts';
import { watchDescriptors, watchOwnAddresses } from './io/host/host-watch.ts';
import { machineClock } from './io/host/machine-clock.ts';
import { guardMemory } from './io/host/process-memory.ts';
import { ServiceManager } from './io/host/service-manager.ts';
import { createLogger, type Logger } from './io/log.ts';
import type { MqttLink } from './io/mqtt/mqtt.ts';
import { listenForConcentrators, listenForRequests } from './io/servers/listeners.ts';
import { radSecFaults } from './io/servers/radsec.ts';
import { SsoBars } from './io/servers/sso-bars.ts';
import { readClocks, Shell } from './io/shell.ts';
import { openAndTell } from './io/store/first-reading.ts';
import type { Store } from './io/store/store.ts';
import type { LoginPage } from './io/web/login-page.ts';
import { loadRadiusDictionary } from './wire/radius-dictionary.ts';

/** At the end, for each: it is told of what it did not do, and not waited for. */
const CLOSE_WITHIN_MS = 2000;
/** The broker is to have what was published: MqttLink gives that 2 s, and itself 1 s more. */
const LINK_WITHIN_MS = 4000;
const STORE_WITHIN_MS = 10_000;
const EXIT_WITHIN_MS = 500;
/** EX_CONFIG of sysexits.h: to be started again with another configuration only. */
const EXIT_CONFIG = 78;

/** The agent's exit code: 0 stopped or drained, 1 could not start, 78 the configuration has a fault. */
async function run({ config: path }: { readonly config: string }): Promise<number> {
  const complain = (message: string, code = 1): number => {
    process.stderr.write(`rollcall: ${message}\n`);
    return code;
  };
  const text = readText(path);
  if (!text.ok) return complain(`cannot read ${path}: ${text.error}`, EXIT_CONFIG);
  const parsed = parseConfig(text.value, readSecret);
  if (!parsed.ok) {
    const faults = parsed.error.map((fault) => `${path}: ${describeFault(fault)}`);
    return complain(faults.join('\nrollcall: '), EXIT_CONFIG);
  }
  const { config, warnings } = parsed.value;
  const log = createLogger({ level: config.log.level });
  for (const warning of warnings) log.log('warn', describeFault(warning));
  const guarded = guardMemory();
  if (!guarded.ok) log.log('warn', guarded.error);
  const dictionary = loadRadiusDictionary();
  if (!dictionary.ok) return complain(`RADIUS dictionary: ${dictionary.error}`);
  const unusable = radSecFaults(config.radius.servers);
  if (unusable.length > 0) return complain(unusable.join('\nrollcall: '), EXIT_CONFIG);
  // Before anything is touched: a second agent's Accounting-On would close the sessions of the first at the servers.
  if (await isListening(config.controlSocket))
    return complain(`another agent listens on ${config.controlSocket}`);
  const portauth = openDataplane(config);
  if (!portauth.ok) return complain(portauth.error);
  return new Run({ config, path, text: text.value, log, portauth: portauth.value }).start();
}

interface RunOptions {
  readonly config: Config;
  /** Of its file, and what is in it. */
  readonly path: string;
  readonly text: string;
  readonly log: Logger;
  readonly portauth: PortAuth;
}

/** One run of the agent, from the first lock to the exit. */
class Run {
  readonly agent: Agent;
  readonly shell: Shell;
  readonly config: Config;
  private readonly path: string;
  readonly log: Logger;
  private readonly portauth: PortAuth;
  private readonly bridge: OurBridge;
  private link: MqttLink | undefined;
  private page: LoginPage | undefined;
  private guard: UplinkGuard | undefined;
  private store: Store | undefined;
  private readonly manager: ServiceManager | undefined;
  private finish: (code: number) => void = () => undefined;
  private begun: Promise<Result<void, string>> | undefined;
  private ended: Promise<void> | undefined;
  readonly closers: Closer[] = [];

  constructor({ config, path, text, log, portauth }: RunOptions) {
    this.config = config;
    this.path = path;
    this.log = log;
    this.portauth = portauth;
    const now = readClocks();
    const entropy = systemEntropy();
    const boot = { bootId: toHex(entropy.bytes(4)), version, startedAt: now.wall, clock: machineClock() };
    const ssoBars = new SsoBars(config.stateDir);
    this.bridge = new OurBridge({ config, portauth, ssoBars, log, machineBoot: boot.clock.boot });
    this.agent = new Agent({ config, entropy, boot, now, source: { text, readSecret } });
    this.shell = new Shell({
      agent: this.agent,
      portauth,
      vlanMemory: this.bridge.vlanMemory,
      ssoBars,
      log,
      heldPorts: this.bridge.heldPorts,
      lockFiles: () => this.bridge.lockFiles(),
      onDrained: () => void this.stop('drained'),
    });
    this.manager = ServiceManager.find({
      env: process.env,
      pid: process.pid,
      status: () => this.agent.standing(),
      onError: (message) => log.log('warn', message),
    });
  }

  async start(): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.finish = resolve;
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => void this.stop('restart'));
    process.on('SIGHUP', () => {
      if (this.manager === undefined) this.reload();
      else this.manager.reloading(() => this.reload());
    });
    const booted = this.bridge.boot({ shell: this.shell, onPorts: () => this.tellUplinks() });
    if (!booted.ok) {
      process.stderr.write(`rollcall: ${booted.error}\n`);
      return 1;
    }
    this.log.log('info', 'ports are set', { ms: Math.round(performance.now()) });
    this.begun = this.begin();
    const begun = await this.begun;
    if (begun.ok) return ended;
    process.stderr.write(`rollcall: ${begun.error}\n`);
    await this.stop('restart');
    return 1;
  }

  private async begin(): Promise<Result<void, string>> {
    this.store = await openAndTell(this.config, this.shell);
    this.log.log('info', 'the store is read', { ms: Math.round(performance.now()) });
    const completed = await this.complete();
    if (!completed.ok || this.ended !== undefined) return completed;
    this.manager?.ready();
    const ms = Math.round(performance.now());
    this.log.log('info', 'running', { switch: this.config.switch.id, version, ms });
    return completed;
  }

  private async complete(): Promise<Result<void, string>> {
    const [{ Capture }, { KeptCaptures: Captures, leaseCapture }, { openControlSockets }, { openUpstream }] =
      await Promise.all([
        import('./io/dataplane/capture.ts'),
        import('./io/dataplane/kept-captures.ts'),
        import('./io/control/control-socket.ts'),
        import('./io/mqtt/upstream.ts'),
      ]);
    const control = await openControlSockets(this.config, (request) => this.shell.command(request));
    if (!control.ok) return control;
    this.closers.push({ name: 'the control socket', close: () => control.value.close() });
    this.shell.prepareServers(this.config.radius.servers);
    const link = await openUpstream(this);
    if (!link.ok) return link;
    this.link = link.value;
    const guard = this.openUplinkGuard();
    const leases = new Captures(
      (bytes) => this.shell.post({ type: 'lease-frame', bytes }),
      (message) => this.log.log('warn', `DHCP watch: ${message}`),
    );
    this.closers.push({ name: 'the DHCP watch', close: () => leases.close() });
    if (this.config.l3 === undefined && this.config.backend === 'switchdev')
      removeRoutedPath(this.config.switch.bridge);
    const dynamic = listenForRequests(this);
    const sso = listenForConcentrators(this);
    this.shell.complete({
      openCapture: (port, onFrame, onError) =>
        new Capture(
          port,
          (_, frame) => onFrame(frame),
          (_, reason) => onError(reason),
        ),
      watchLeases: (captures) => leases.keep(captures.map(leaseCapture)),
      publish: (publication) => this.link?.publish(publication),
      broadcast: (event) => control.value.broadcast(event),
      follow: (topic) => this.link?.follow(topic),
      unfollow: (topic) => this.link?.unfollow(topic),
      sendDynamicReply: (address, port, bytes) => dynamic?.send(address, port, bytes),
      sendSsoReply: (address, port, bytes) => sso?.send(address, port, bytes),
      ...(guard === undefined ? {} : { guard }),
    });
    link.value.start();
    await this.openLoginPage();
    this.listenOnIngress(Captures);
    watchOwnAddresses(this, (addresses) => this.page?.setOwn(addresses));
    watchDescriptors(this);
    return ok(undefined);
  }

  private listenOnIngress(Captures: typeof KeptCaptures): void {
    const { l3 } = this.config;
    if (l3?.firstHop !== true) return;
    const captures = new Captures(
      (bytes, device) => this.shell.post({ type: 'routed-frame', interface: device, bytes }),
      (message) => this.log.log('warn', message),
    );
    captures.keep(l3.ingress.map((device) => ({ device })));
    this.closers.push({ name: 'the captures of the routed path', close: () => captures.close() });
  }

  private tellUplinks(): void {
    const uplinks = this.bridge.uplinks();
    this.guard?.setUplinks(uplinks);
    this.guard?.setPorts(this.bridge.names());
    this.page?.setUplinks(uplinks);
  }

  private openUplinkGuard(): UplinkGuard | undefined {
    const onError = (message: string): void => this.log.log('warn', message);
    const guard = UplinkGuard.open(this.config.switch.bridge, this.bridge.uplinks(), onError);
    this.shell.post(guard.ok ? { type: 'uplink-guard' } : { type: 'uplink-guard', error: guard.error });
    if (!guard.ok) return undefined;
    this.closers.push({ name: 'the uplink guard', close: () => guard.value.close() });
    this.guard = guard.value;
    return guard.value;
  }

  private async openLoginPage(): Promise<void> {
    const { web } = this.config;
    if (web === undefined) {
      const { StrangerGuard } = await import('./io/dataplane/stranger-guard.ts');
      StrangerGuard.remove(this.config.switch.bridge);
      return;
    }
    const { openLoginPage } = await import('./io/web/login-page.ts');
    const { config, portauth, shell, log } = this;
    const page = openLoginPage({ config, web, uplinks: this.bridge.uplinks(), portauth, shell, log });
    this.closers.push({ name: 'the login page', close: () => page.close() });
    this.page = page;
  }

  private reload(): void {
    const text = readText(this.path);
    if (text.ok) this.shell.post({ type: 'reload', text: text.value });
    else this.log.log('error', `cannot read ${this.path}: ${text.error}`);
    this.page?.renewCertificate();
    this.link?.renewTls();
  }

  /** Locks, grants and sessions stay as they are; only a drain has logged people out. Once, whoever asks. */
  private stop(how: 'restart' | 'drained'): Promise<void> {
    this.ended ??= this.end(how);
    return this.ended;
  }

  private async end(how: 'restart' | 'drained'): Promise<void> {
    this.log.log('info', 'stopping', { how });
    this.manager?.stopping();
    // A start that goes on would open what nobody closes: the store's own threads do not survive the process' end.
    await this.begun;
    // First: what is to outlive us does not wait for others. From then on nothing is decided that would not be kept.
    this.shell.post({ type: 'stopping' });
    this.shell.rest();
    const problem = (message: string): void => this.log.log('warn', message);
    const { link, store } = this;
    // Then those who wait for it: a server that was told nothing would ask the next agent, which knows of nothing.
    if (store !== undefined) {
      const flushed = (): Promise<void> => new Promise((resolve) => store.flushed(resolve));
      await closeAll([{ name: 'the writing of the last records', close: flushed }], STORE_WITHIN_MS, problem);
    }
    if (link !== undefined)
      await closeAll([{ name: 'the broker link', close: () => link.close(how) }], LINK_WITHIN_MS, problem);
    await closeAll(this.closers.splice(0), CLOSE_WITHIN_MS, problem);
    if (store !== undefined)
      await closeAll(
        [{ name: 'the accounting store', close: () => store.close() }],
        STORE_WITHIN_MS,
        problem,
      );
    this.shell.close();
    this.manager?.close();
    this.finish(0);
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  // The agent needs no command line library, and starts without loading one.
  const fast = args[0] === 'run' && args.length === 3 && args[1] === '-c' && args[2] !== undefined;
  if (fast && args[2] !== undefined) {
    process.exitCode = await run({ config: args[2] });
    // Of what did not end in its time, nothing keeps the process.
    setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref();
    return;
  }
  const { buildCli } = await import('./cli/cli.ts');
  process.exitCode = await buildCli({
    run,
    version,
    files: { readText, readSecret, replaceFile },
    checkHost,
  }).parse(args);
}

await main();
