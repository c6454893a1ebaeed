// The bridge of the configuration, from the first lock on. What earlier runs have left is put in order (former-bridge.ts), the
// agent hears how everything stands (first-look.ts), and from then on what the kernel tells. Loads nothing that the first
// lock does not take.

import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import { LOCK_FILE, OWN_LOCK_FILE } from '../../config/lock-file.ts';
import { isUplink } from '../../config/ports.ts';
import type { DataplaneEvent, PortName } from '../../model/dataplane.ts';
import type { Logger } from '../log.ts';
import type { SsoBars } from '../servers/sso-bars.ts';
import type { Shell } from '../shell.ts';
import { BridgeNote } from './bridge-note.ts';
import { firstLook } from './first-look.ts';
import { formerBridge, leaveFormerBridge, removeFormerTables } from './former-bridge.ts';
import { HeldPorts } from './held-ports.ts';
import { ingressFaults } from './own-addresses.ts';
import type { PortAuth } from './portauth.ts';
import { VlanMemory } from './vlan-memory.ts';

export interface OurBridgeOptions {
  readonly config: Config;
  readonly portauth: PortAuth;
  readonly ssoBars: SsoBars;
  readonly log: Logger;
  /** Which boot of the machine this is. */
  readonly machineBoot: string;
}

export interface BridgeListeners {
  readonly shell: Pick<Shell, 'post' | 'useRoutedPath'>;
  /** A port has come or gone. */
  readonly onPorts: () => void;
}

export class OurBridge {
  readonly heldPorts: HeldPorts;
  readonly vlanMemory: VlanMemory;
  /** What rollcall-lock reads. */
  private readonly lockFile: string;
  /** The same, and nobody else writes it: on which bridge this agent has grants. */
  private readonly ownLockFile: string;
  private readonly note: BridgeNote;
  /** The bridge of before has grants of ours that could not be taken away: the next start is to try again. */
  private owesFormerBridge = false;

  constructor(private readonly options: OurBridgeOptions) {
    const { config, machineBoot } = options;
    this.heldPorts = new HeldPorts(join(config.stateDir, 'held-ports.json'));
    this.vlanMemory = new VlanMemory(config.stateDir, machineBoot, config.switch.bridge);
    this.ownLockFile = join(config.stateDir, OWN_LOCK_FILE);
    this.lockFile = join(config.stateDir, LOCK_FILE);
    this.note = new BridgeNote(config.stateDir, machineBoot);
  }

  /** To be written as the configuration has it now: not our own, while it says which bridge is still to be put in order. */
  lockFiles(): readonly string[] {
    return this.owesFormerBridge ? [this.lockFile] : [this.lockFile, this.ownLockFile];
  }

  /** Of the ports that there are. */
  uplinks(): readonly PortName[] {
    return this.names().filter((name) => isUplink(this.options.config, name));
  }

  names(): readonly PortName[] {
    return this.options.portauth.ports().map(({ name }) => name);
  }

  /** Every managed port is locked, or said to be not, when this returns. To be called once. */
  boot(listeners: BridgeListeners): Result<void, string> {
    const { config, portauth, ssoBars, log } = this.options;
    const { shell } = listeners;
    const capabilities = portauth.capabilities();
    if (!capabilities.ok) return capabilities;
    const listening = portauth.onEvents((events) => this.heard(events, listeners));
    if (!listening.ok) return listening;
    const former = formerBridge([this.ownLockFile, this.lockFile], this.note, config);
    const left = former === undefined ? ok(undefined) : leaveFormerBridge(former, config, this.vlanMemory);
    this.owesFormerBridge = !left.ok;
    const boot = firstLook({
      config,
      portauth,
      log,
      capabilities: capabilities.value,
      heldPorts: this.heldPorts,
      vlanMemory: this.vlanMemory,
      ssoBars,
      formerBridge: left.ok ? left.value : left.error,
    });
    if (!boot.ok) return boot;
    shell.post(boot.value);
    this.keepNote();
    const shut = this.shutRoutedPath(shell);
    if (former !== undefined) removeFormerTables(former, config, (message) => log.log('warn', message));
    return shut;
  }

  private heard(events: readonly DataplaneEvent[], { shell, onPorts }: BridgeListeners): void {
    for (const event of events) {
      if (event.type === 'bridge-back') {
        this.tellCapabilities(shell);
        this.keepNote('later');
      }
      shell.post({ type: 'dataplane', event });
    }
    if (events.some(({ type }) => type === 'port-added' || type === 'port-gone')) onPorts();
  }

  private keepNote(when?: 'later'): void {
    const { config, log } = this.options;
    const { bridge } = config.switch;
    if (this.owesFormerBridge || config.backend !== 'switchdev') return;
    const tell = (noted: Result<void, string>): void => {
      if (!noted.ok) log.log('warn', `which interface the bridge is cannot be noted: ${noted.error}`);
    };
    if (when === 'later') this.note.keepLater(bridge, tell);
    else tell(this.note.keep(bridge));
  }

  private tellCapabilities(shell: Pick<Shell, 'post'>): void {
    const capabilities = this.options.portauth.capabilities();
    // One that is gone again says so next.
    if (capabilities.ok) shell.post({ type: 'capabilities', capabilities: capabilities.value });
    else this.options.log.log('warn', capabilities.error);
  }

  /** What cannot be shut is not run: whoever is behind it would pass without a session. */
  private shutRoutedPath(shell: BridgeListeners['shell']): Result<void, string> {
    const { config, portauth } = this.options;
    const { l3 } = config;
    if (l3 === undefined) return ok(undefined);
    const [fault] = ingressFaults(l3.ingress);
    if (fault !== undefined) return err(fault);
    const path = portauth.openRoutedPath(l3, () => shell.post({ type: 'routed-path-lost' }));
    if (path.ok) shell.useRoutedPath(path.value);
    return path.ok ? ok(undefined) : path;
  }
}
