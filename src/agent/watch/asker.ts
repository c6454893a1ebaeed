// Sends probes: finds what the choice rests on, keeps the switch's probe rate, and says what went out.

import { type Ip, isIpv4 } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { type Pace, TokenBucket } from '../../base/token-bucket.ts';
import { type ProbeSenders, probeSenders, senderIn } from '../../config/probe-senders.ts';
import { AddressMemory } from '../../liveness/address-memory.ts';
import {
  chooseProbe,
  type Probe,
  type ProbeFacts,
  type ProbeKind,
  probeFrames,
} from '../../liveness/probing.ts';
import type { ProbeSettings } from '../../liveness/settings.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { SessionAddresses } from '../../model/session.ts';
import type { ProbePayload } from '../../report/event-payloads.ts';
import type { Core } from '../core.ts';
import type { PortUnit } from '../port/port-desk.ts';
import type { L2Unit } from '../session/session-unit.ts';

/** `none`: there is no address to ask, or none to ask from. */
export type Asked = 'sent' | 'withheld' | 'none';

type SentProbe = Extract<Probe, { readonly type: ProbeKind }>;

export class Asker {
  private own: ProbeSenders = new Map();
  private senders: ProbeSenders = new Map();
  /** Of the whole switch: what is above it waits for the next period. */
  private readonly rate: TokenBucket;
  private readonly memory = new AddressMemory();

  constructor(private readonly core: Core) {
    this.rate = new TokenBucket(paceOf(core.config.probe));
  }

  /** Another configuration is in force. */
  configure(): void {
    this.rate.configure(paceOf(this.core.config.probe));
    this.setSources(this.own);
  }

  /** Our own addresses, and what the configuration says over them. */
  setSources(own: ProbeSenders): void {
    this.own = own;
    this.senders = probeSenders(this.core.config, own);
  }

  /** An address of ours, or of a gateway that probes seem to come from: never a client's. */
  isReserved(ip: Ip): boolean {
    return bears(this.own, ip) || bears(this.senders, ip);
  }

  /** A session has ended: should its client be back and say nothing, it is asked where it was. */
  remember(mac: Mac, port: PortName, addresses: SessionAddresses): void {
    this.memory.keep(mac, port, addresses);
  }

  /** It was asked where it is, and has not answered. No answer from where it may have been once says nothing. */
  isLeftWaiting({ session, unanswered }: L2Unit): boolean {
    return unanswered === 'eap' || (unanswered !== undefined && hasAddress(session.addresses));
  }

  /** `silentPeriods` is for the report: 0 = not the handshake's own. */
  ask(unit: L2Unit, silentPeriods: number): Asked {
    const { core } = this;
    const { mac, grant, vlans } = unit.session;
    const port = core.parts.ports.get(grant.port);
    if (port === undefined) return 'none';
    const probe = this.choose(unit, port.machine);
    switch (probe.type) {
      case 'none':
        return 'none';
      case 'withheld':
        core.out.log('debug', 'probe withheld', { mac, reason: probe.reason });
        return 'withheld';
      case 'eap':
        if (core.parts.supplicants.probe(mac, grant.port)) break;
        core.out.log('debug', 'probe withheld', { mac, reason: 'server-asked' });
        return 'withheld';
      default: {
        const client = { mac, tag: vlans.untagged === undefined ? grant.vlan : undefined };
        for (const bytes of probeFrames(probe, client, port.machine.facts.address))
          core.out.push({ type: 'inject', port: grant.port, bytes });
      }
    }
    unit.probed(probe.type, core.now.mono);
    core.parts.reporter.probed(unit, { probe: probe.type, ...targetsOf(probe) }, silentPeriods);
    return 'sent';
  }

  private choose({ session, handshake, announcedAt, unanswered }: L2Unit, port: PortUnit['machine']): Probe {
    const { config, now, parts } = this.core;
    const facts: ProbeFacts = {
      addresses: hasAddress(session.addresses)
        ? session.addresses
        : this.memory.of(session.mac, session.grant.port),
      source: senderIn(this.senders, session.grant.vlan, parts.vlans.bridgeNative),
      ownMac: port.facts.address,
      linkUpAt: port.linkUpAt,
      announcedAt,
      // Only who came in by EAP can be asked by it.
      probe: session.method === 'dot1x' ? handshake.settings.probe : 'address',
      unanswered,
    };
    const probe = chooseProbe(facts, config.probe, now.mono);
    const goesOut = probe.type === 'arp' || probe.type === 'nd' || probe.type === 'eap';
    return goesOut && !this.rate.take(now.mono) ? { type: 'withheld', reason: 'rate' } : probe;
  }
}

function paceOf({ ratePerSecond }: ProbeSettings): Pace {
  return { perSecond: ratePerSecond, burst: ratePerSecond };
}

/** Whom it asks for, as it is told. */
function targetsOf(probe: SentProbe): Pick<ProbePayload, 'target' | 'other_targets'> {
  if (probe.type === 'eap') return { target: null };
  const others = probe.type === 'nd' ? probe.otherIps : [];
  return { target: probe.targetIp, ...(others.length > 0 ? { other_targets: [...others] } : {}) };
}

function hasAddress({ ipv4, ipv6 }: SessionAddresses): boolean {
  return ipv4 !== undefined || ipv6 !== undefined;
}

function bears(senders: ProbeSenders, ip: Ip): boolean {
  for (const { ipv4, ipv6 } of senders.values()) if ((isIpv4(ip) ? ipv4 : ipv6) === ip) return true;
  return false;
}
