// `rollcall check` on the switch itself: can this kernel, this bridge and this process do what the configuration asks?

import { globMatches } from '../../base/glob.ts';
import type { Config } from '../../config/config.ts';
import { closest, pathText } from '../../config/fault.ts';
import { isUplink, namesVlans, portSettings } from '../../config/ports.ts';
import { namedVlans, type ProbeSenders, probeSenders, senderIn } from '../../config/probe-senders.ts';
import type { Capabilities } from '../../model/dataplane.ts';
import { bridgeAbsence } from '../dataplane/bridge-absence.ts';
import { ingressFaults } from '../dataplane/own-addresses.ts';
import type { PortAuth } from '../dataplane/portauth.ts';
import { forwardsByItself, StrangerGuard } from '../dataplane/stranger-guard.ts';

export interface HostFinding {
  readonly severity: 'ok' | 'warning' | 'fault';
  /** A sentence. */
  readonly message: string;
}

type Severity = HostFinding['severity'];

/** Opens nothing and changes nothing; `portauth` is the data plane, opened by the caller; `own`: the switch's addresses. */
export function hostFindings(config: Config, portauth: PortAuth, own: ProbeSenders): readonly HostFinding[] {
  const capabilities = portauth.capabilities();
  if (!capabilities.ok) return [{ severity: 'fault', message: capabilities.error }];
  if (!capabilities.value.bridge)
    return [{ severity: 'fault', message: bridgeAbsence(config.switch.bridge) }];
  return [
    ...capabilityFindings(capabilities.value),
    ...vlanFindings(config, capabilities.value),
    ...probeFindings(config, portauth, own),
    ...portFindings(config, portauth),
    ...portalFindings(config, portauth),
    ...ingressFaults(config.l3?.ingress ?? []).map((message) => ({ severity: 'fault', message }) as const),
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

/** Only where the bridge filters: elsewhere nobody is put into any of them. */
function probeFindings(config: Config, portauth: PortAuth, own: ProbeSenders): readonly HostFinding[] {
  const map = portauth.vlans();
  if (!map.ok) return [{ severity: 'warning', message: `the VLANs cannot be read: ${map.error}` }];
  if (!map.value.filtering) return [];
  const native = map.value.bridge.find(({ pvid }) => pvid)?.vlan;
  const senders = probeSenders(config, own);
  const { bridge } = config.switch;
  return namedVlans(config)
    .filter(({ vlan }) => senderIn(senders, vlan, native) === undefined)
    .map(({ vlan, paths }) => ({
      severity: 'warning',
      message: `VLAN ${vlan} (${paths.join(', ')}): nobody can be asked there, and a client that says nothing is taken for gone: give ${bridge}.${vlan} an address, or handshake.sources an entry with a mac`,
    }));
}

/** Strangers can be held to the login page, on every port that is to let them see it. */
function portalFindings(config: Config, portauth: PortAuth): readonly HostFinding[] {
  const { web, switch: device } = config;
  const names = portauth.ports().map(({ name }) => name);
  const portals = names.filter((name) => portSettings(config, name).portal);
  if (web === undefined || portals.length === 0) return [];
  const possible = StrangerGuard.check({
    bridge: device.bridge,
    uplinks: names.filter((name) => isUplink(config, name)),
    port: web.port,
    dnsServers: web.dnsServers,
    own: new Set(),
    needed: () => [],
    objection: () => undefined,
    onLost: () => undefined,
  });
  if (!possible.ok) {
    const message = `strangers cannot be held to the login page, so none is let in to see it: ${possible.error}`;
    return [{ severity: 'warning', message }];
  }
  const past = portals.filter(forwardsByItself);
  if (past.length === 0) return [{ severity: 'ok', message: 'strangers can be held to the login page' }];
  const message = `a switch chip forwards for ${past.join(', ')}, past the rules that would hold a stranger: none is let in there`;
  return [{ severity: 'warning', message }];
}

/** A pattern that no port bears is mostly a slip; for an uplink's it is one that locks its port. */
function patternFindings(config: Config, names: readonly string[]): readonly HostFinding[] {
  const { bridge, uplinks } = config.switch;
  const patterns = [
    ...uplinks.map((pattern, index) => ({ path: pathText(['switch', 'uplinks', index]), pattern })),
    ...config.ports.map(({ pattern }) => ({ path: pathText(['ports', pattern]), pattern })),
  ];
  return patterns
    .filter(({ pattern }) => !names.some((name) => globMatches(pattern, name)))
    .map(({ path, pattern }) => {
      const near = closest(pattern, names);
      const hint = near === undefined ? '' : `; did you mean '${near}'?`;
      const message = `${path}: no port of ${bridge} is called '${pattern}': it has ${names.join(', ')}${hint}`;
      return { severity: 'warning', message };
    });
}

function portFindings(config: Config, portauth: PortAuth): readonly HostFinding[] {
  const names = portauth.ports().map(({ name }) => name);
  // A bridge that has none yet gets them later.
  const slips = names.length === 0 ? [] : patternFindings(config, names);
  const ours = names.filter((name) => portSettings(config, name).control !== 'off');
  const { bridge } = config.switch;
  if (ours.length === 0) {
    const message = `none of the ports of ${bridge} is controlled: it has ${names.join(', ') || 'no port'}`;
    return [{ severity: 'warning', message }, ...slips];
  }
  return [
    ...slips,
    {
      severity: 'ok',
      message: `${ours.length} of the ${names.length} ports of ${bridge} are controlled: ${ours.join(', ')}`,
    },
  ];
}
