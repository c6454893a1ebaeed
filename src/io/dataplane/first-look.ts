// How everything stands when the agent starts, as its first input has it: what the data plane can and has, what an earlier run of
// ours has left, and with which rights we run.

import { release } from 'node:os';
import type { Input } from '../../agent/ports.ts';
import { present } from '../../base/present.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import type { Capabilities, VlanReading } from '../../model/dataplane.ts';
import { optmemMax } from '../host/kernel-limits.ts';
import { ownRights } from '../host/rights.ts';
import type { Logger } from '../log.ts';
import type { SsoBars } from '../servers/sso-bars.ts';
import { bridgeAbsence } from './bridge-absence.ts';
import type { HeldPorts } from './held-ports.ts';
import type { PortAuth } from './portauth.ts';
import type { VlanMemory } from './vlan-memory.ts';

const NO_VLANS: VlanReading = { filtering: false, bridge: [], ports: new Map() };

export interface FirstLook {
  readonly config: Config;
  readonly portauth: PortAuth;
  readonly capabilities: Capabilities;
  readonly heldPorts: HeldPorts;
  readonly vlanMemory: VlanMemory;
  readonly ssoBars: SsoBars;
  readonly log: Logger;
  /** What is to be told of the bridge that an earlier configuration named. */
  readonly formerBridge: string | undefined;
}

type Boot = Extract<Input, { readonly type: 'boot' }>;

/** What an earlier run has left and cannot be read is logged, and taken for nothing; a data plane that cannot say is an error. */
export function firstLook(from: FirstLook): Result<Boot, string> {
  const { config, portauth, capabilities, log } = from;
  const vlans = capabilities.bridge ? portauth.vlans() : ok(NO_VLANS);
  if (!vlans.ok) return vlans;
  const foundVlans = from.vlanMemory.read();
  if (!foundVlans.ok) log.log('error', foundVlans.error);
  const ssoBars = from.ssoBars.read();
  if (!ssoBars.ok) log.log('error', ssoBars.error);
  const embedded = config.mqtt.url === undefined;
  return ok({
    type: 'boot',
    capabilities,
    ports: portauth.ports(),
    vlans: vlans.value,
    foundVlans: foundVlans.ok ? foundVlans.value : [],
    heldDown: new Map(from.heldPorts.all()),
    ssoBars: ssoBars.ok ? ssoBars.value : [],
    kernel: release(),
    ...present({
      rights: ownRights(config),
      optmemMax: optmemMax(),
      formerBridge: from.formerBridge,
      absence: capabilities.bridge ? undefined : bridgeAbsence(config.switch.bridge),
    }),
    mqtt: {
      protocol_version: embedded ? 4 : 5,
      embedded,
      will_delay_s: embedded ? 0 : config.mqtt.willDelay / 1000,
    },
  });
}
