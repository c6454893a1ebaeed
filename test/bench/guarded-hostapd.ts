// Stock hostapd with its wired driver, put to guard a bridge as well as it can. By itself it never touches the port; so here the ports
// are locked by hand once, and `hostapd_cli -a` runs a script that writes a static entry for each station that hostapd says is
// connected, and deletes it when it says that it is not. A reauthentication every half minute is the one means that it has to notice
// that a station is gone. At its start entries that an earlier run left are removed, since nobody would ever remove them: fail closed.

import { chmodSync } from 'node:fs';
import { LabFolder } from '../rigs/lab/folder.ts';
import { RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import type { LabSwitch } from '../rigs/lab/netns.ts';
import { type LabProcess, until } from '../rigs/lab/process.ts';

const REAUTH_S = 30;
const INTERIM_S = 60;

export class GuardedHostapd {
  readonly #lab: LabSwitch;
  readonly #folder = new LabFolder('hostapd');
  readonly #script: string;
  #process: LabProcess | undefined;
  #watchers: readonly LabProcess[] = [];

  constructor(lab: LabSwitch) {
    this.#lab = lab;
    this.#script = this.#folder.write('station', SCRIPT);
    chmodSync(this.#script, 0o700);
  }

  get #ports(): readonly string[] {
    return this.#lab.clients.map(({ port }) => port);
  }

  #configure(interimS: number): void {
    const server = (kind: string, port: number): string =>
      `${kind}_server_addr=127.0.0.1\n${kind}_server_port=${port}\n${kind}_server_shared_secret=${RADIUS_SECRET}\n`;
    const das = `radius_das_port=3799\nradius_das_client=127.0.0.1 ${RADIUS_SECRET}\n`;
    for (const [i, port] of this.#ports.entries()) {
      this.#folder.write(
        `${port}.conf`,
        `interface=${port}\ndriver=wired\nctrl_interface=${this.#folder.file('control')}\nieee8021x=1\n` +
          `eap_reauth_period=${REAUTH_S}\nuse_pae_group_addr=1\nown_ip_addr=127.0.0.1\nnas_identifier=sw1\n` +
          `radius_acct_interim_interval=${interimS}\n${server('auth', 1812)}${server('acct', 1813)}` +
          // One listener a process: the first interface has it for all.
          (i === 0 ? das : ''),
      );
    }
  }

  async start(): Promise<void> {
    const { netns } = this.#lab;
    await netns.must(['bridge', 'fdb', 'flush', 'dev', 'br0', 'static', 'nopermanent']);
    for (const port of this.#ports)
      await netns.must(['bridge', 'link', 'set', 'dev', port, 'locked', 'on', 'learning', 'on']);
    await netns.ip('link set br0 type bridge no_linklocal_learn 1');
    for (const port of this.#ports)
      await netns.must(['bridge', 'fdb', 'flush', 'dev', port, 'master', 'dynamic']);
    this.#configure(INTERIM_S);
    const files = this.#ports.map((port) => this.#folder.file(`${port}.conf`));
    this.#process = netns.start({ name: 'hostapd', argv: ['hostapd', ...files] });
    for (const port of this.#ports) await this.#process.waitForLine(new RegExp(`^${port}: AP-ENABLED`));
    this.#watchers = this.#ports.map((port) =>
      netns.start({
        name: `hostapd_cli on ${port}`,
        argv: ['hostapd_cli', '-p', this.#folder.file('control'), '-i', port, '-a', this.#script],
      }),
    );
    await until('hostapd_cli', () => this.#watchers.every(({ isRunning }) => isRunning));
  }

  async stop(): Promise<void> {
    await this.#process?.stop(10_000);
    await this.#end();
  }

  async kill(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.exited;
    await this.#end();
  }

  async #end(): Promise<void> {
    for (const watcher of this.#watchers) await watcher.stop();
  }

  /** Another interval of interim updates, which is nobody's business who is in. */
  async reload(): Promise<void> {
    this.#configure(INTERIM_S * 2);
    this.#process?.signal('SIGHUP');
  }

  async close(): Promise<void> {
    await this.stop();
    this.#folder.remove();
  }
}

/** hostapd_cli runs it with the interface, the event and the station. */
const SCRIPT = `#!/bin/sh
case "$2" in
AP-STA-CONNECTED) bridge fdb replace "$3" dev "$1" master static sticky ;;
AP-STA-DISCONNECTED) bridge fdb del "$3" dev "$1" master ;;
esac
`;
