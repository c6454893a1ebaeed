// `rollcall check` on the switch itself: can this kernel, this bridge and this process do what the configuration asks?

import type { Config } from '../config/config.ts';
import { namesVlans, portSettings } from '../config/ports.ts';
import type { Capabilities } from '../model/dataplane.ts';
import type { PortAuth } from './portauth.ts';

export interface HostFinding {
  readonly severity: 'ok' | 'warning' | 'fault';
  /** A sentence. */
  readonly message: string;
}

type Severity = HostFinding['severity'];

/** Opens nothing and changes nothing; `portauth` is the data plane, opened by the caller. */
export function hostFindings(config: Config, portauth: PortAuth): readonly HostFinding[] {
  const capabilities = portauth.capabilities();
  if (!capabilities.ok) return [{ severity: 'fault', message: capabilities.error }];
  return [
    ...capabilityFindings(capabilities.value),
    ...vlanFindings(config, capabilities.value),
    ...portFindings(config, portauth),
  ];
}

function capabilityFindings(can: Capabilities): readonly HostFinding[] {
  const finding = (has: boolean, otherwise: Severity, yes: string, no: string): HostFinding =>
    has ? { severity: 'ok', message: yes } : { severity: otherwise, message: no };
  return [
    finding(
      can.locked,
      'fault',
      'the kernel can lock bridge ports',
      'the kernel cannot lock bridge ports: 5.18 or later can',
    ),
    finding(
      can.lastSeen,
      'fault',
      'table entries tell when their client was last seen',
      "the bridge's ageing_time is 0, so entries do not tell when their client was last seen: set it, e.g. to 300 s",
    ),
    finding(
      can.noLinklocalLearn,
      'warning',
      'EAPOL frames are kept from being learnt',
      'the bridge cannot be told not to learn from EAPOL frames: each login attempt leaves an entry to be deleted',
    ),
  ];
}

function vlanFindings(config: Config, { vlanFiltering }: Capabilities): readonly HostFinding[] {
  if (!namesVlans(config)) return [];
  const { bridge } = config.switch;
  if (vlanFiltering) return [{ severity: 'ok', message: `${bridge} filters VLANs` }];
  const how = `ip link set ${bridge} type bridge vlan_filtering 1`;
  return [
    {
      severity: 'warning',
      message: `${bridge} does not filter VLANs, so whoever is to be in one is refused: ${how}`,
    },
  ];
}

function portFindings(config: Config, portauth: PortAuth): readonly HostFinding[] {
  const names = portauth.ports().map(({ name }) => name);
  const ours = names.filter((name) => portSettings(config, name).control !== 'off');
  const { bridge } = config.switch;
  if (ours.length === 0) {
    const message = `none of the ports of ${bridge} is controlled: it has ${names.join(', ') || 'no port'}`;
    return [{ severity: 'warning', message }];
  }
  return [
    {
      severity: 'ok',
      message: `${ours.length} of the ${names.length} ports of ${bridge} are controlled: ${ours.join(', ')}`,
    },
  ];
}
