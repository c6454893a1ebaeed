// What a verified Access-* packet says, in our words. A value that makes no sense is left out and listed as a
// warning, so that the operator hears of it; nothing here throws, whatever the server sent.

import { fromUtf8 } from '../base/bytes.ts';
import { type Ip, isHostAddress, isIpv4 } from '../base/ip.ts';
import { present } from '../base/present.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { Authorization } from '../model/authorization.ts';
import { HIGHEST_VLAN_ID } from '../wire/ethernet.ts';
import {
  type Attributed,
  attributeIp,
  attributeOctets,
  attributesAll,
  attributeText,
  attributeU32,
  eapMessage,
  egressVlans,
  filterRules,
  hasAttribute,
  tunnelVlan,
  vendorAttributes,
} from '../wire/radius-attributes.ts';
import { type AttributeName, CISCO_AVPAIR, SERVICE_TYPES, VENDORS } from '../wire/radius-dictionary.ts';
import { keptAttributes } from './kept-attributes.ts';
import { type RoleAttribute, vendorRole } from './role-attribute.ts';

/** An attribute that was left out; `detail` may quote hostile text. */
export interface AttributeWarning {
  readonly attribute: AttributeName;
  readonly detail: string;
}

export interface AcceptContext {
  /** The identity that the client gave, for an Accept without User-Name. */
  readonly identity: string;
  /** `address:port` of the server that accepted. */
  readonly server: string;
  /** Vendors' attributes that name a role. */
  readonly roleAttributes?: readonly RoleAttribute[];
}

export interface Accepted {
  readonly authorization: Authorization;
  /** EAP-Success, normally; absent if the server left it out (RFC 3579 §2.6.2). */
  readonly eap?: Uint8Array;
  /**
   * Service-Type of another service than network access: a login at the switch's command line, a callback. Then all of this is to
   * be treated as an Access-Reject (RFC 2865 §5.6).
   */
  readonly otherService?: number;
  readonly warnings: readonly AttributeWarning[];
}

/** RFC 2865 §5.29. */
const TERMINATION_ACTION_RADIUS_REQUEST = 1;
/** RFC 2865 §5.8: the NAS, or the user, is to choose an address. Neither is one. */
const ADDRESS_TO_BE_CHOSEN: readonly string[] = ['255.255.255.254', '255.255.255.255'];
/** RFC 4675 §2.2. */
const INGRESS_FILTERS_DISABLED = 2;
/** Every other Service-Type grants another service. */
const NETWORK_ACCESS: readonly number[] = [
  SERVICE_TYPES.Login,
  SERVICE_TYPES.Framed,
  SERVICE_TYPES['Authenticate-Only'],
  SERVICE_TYPES['Call-Check'],
  SERVICE_TYPES['Authorize-Only'],
];

class Reading {
  readonly warnings: AttributeWarning[] = [];

  constructor(readonly packet: Attributed) {}

  warn(attribute: AttributeName, detail: string): undefined {
    this.warnings.push({ attribute, detail });
    return undefined;
  }

  /** Seconds, where 0 means "none": servers send it to say so. */
  duration(attribute: AttributeName): Millis | undefined {
    if (!hasAttribute(this.packet, attribute)) return undefined;
    const value = attributeU32(this.packet, attribute);
    if (value === undefined) return this.warn(attribute, 'is not four octets long');
    return value === 0 ? undefined : seconds(value);
  }

  text(attribute: AttributeName): string | undefined {
    const value = attributeText(this.packet, attribute);
    return value === '' ? this.warn(attribute, 'is empty') : value;
  }

  terminationAction(): boolean {
    if (!hasAttribute(this.packet, 'Termination-Action')) return false;
    const value = attributeU32(this.packet, 'Termination-Action');
    if (value === undefined || value > TERMINATION_ACTION_RADIUS_REQUEST) {
      this.warn('Termination-Action', `is ${value ?? 'not four octets long'}`);
    }
    return value === TERMINATION_ACTION_RADIUS_REQUEST;
  }

  filterId(): string | undefined {
    const count = attributesAll(this.packet, 'Filter-Id').length;
    if (count > 1) this.warn('Filter-Id', `came ${count} times, the first counts`);
    return this.text('Filter-Id');
  }

  /**
   * As it was written, also where that is no VLAN, and empty where nothing says that it is one: whoever applies it
   * refuses, and nobody is put elsewhere.
   */
  vlan(): string | undefined {
    const vlan = tunnelVlan(this.packet);
    if (vlan !== undefined) {
      const bad =
        vlan === '' || (/^[0-9]+$/.test(vlan) && (Number(vlan) < 1 || Number(vlan) > HIGHEST_VLAN_ID));
      if (bad) this.warn('Tunnel-Private-Group-Id', `is ${JSON.stringify(vlan)}, no VLAN`);
      return vlan;
    }
    if (!hasAttribute(this.packet, 'Tunnel-Private-Group-Id')) return undefined;
    this.warn('Tunnel-Private-Group-Id', 'has no Tunnel-Type VLAN and Tunnel-Medium-Type 802 of its tag');
    return '';
  }

  egress(): Authorization['egress'] {
    if (attributeU32(this.packet, 'Ingress-Filters') === INGRESS_FILTERS_DISABLED)
      this.warn('Ingress-Filters', 'is Disabled: a port takes frames of its own VLANs only, always');
    const vlans = egressVlans(this.packet);
    if (vlans.length === 0) return undefined;
    const named = (tagged: boolean): string[] =>
      vlans.filter((each) => each.tagged === tagged).map(({ vlan }) => vlan);
    return { tagged: named(true), untagged: named(false) };
  }

  filterRules(): readonly string[] | undefined {
    const rules = filterRules(this.packet);
    return rules.length === 0 ? undefined : rules;
  }

  otherService(): number | undefined {
    const service = attributeU32(this.packet, 'Service-Type');
    return service === undefined || NETWORK_ACCESS.includes(service) ? undefined : service;
  }

  voice(): true | undefined {
    const pairs = vendorAttributes(this.packet, VENDORS.cisco).filter(({ type }) => type === CISCO_AVPAIR);
    return pairs.some(({ value }) => fromUtf8(value) === 'device-traffic-class=voice') ? true : undefined;
  }

  framedIp(): Ip | undefined {
    if (!hasAttribute(this.packet, 'Framed-IP-Address')) return undefined;
    const address = attributeIp(this.packet, 'Framed-IP-Address');
    if (address === undefined || !isIpv4(address))
      return this.warn('Framed-IP-Address', 'is no IPv4 address');
    if (ADDRESS_TO_BE_CHOSEN.includes(address)) return undefined;
    if (!isHostAddress(address)) return this.warn('Framed-IP-Address', `is ${address}`);
    return address;
  }

  /** RFC 2865 §5.18: several are one message, in their order. */
  replyMessage(): string | undefined {
    const parts = attributesAll(this.packet, 'Reply-Message').map(fromUtf8);
    return parts.length === 0 ? undefined : parts.join('\n');
  }
}

function copyOf(octets: Uint8Array | undefined): Uint8Array | undefined {
  return octets === undefined ? undefined : Uint8Array.from(octets);
}

const NO_CLASSES: readonly Uint8Array[] = [];

/** Copies: the octets are views of a whole packet. */
function classesOf(packet: Attributed): readonly Uint8Array[] {
  const classes = attributesAll(packet, 'Class');
  return classes.length === 0 ? NO_CLASSES : classes.map((value) => Uint8Array.from(value));
}

/** Of a verified Access-Accept. */
export function authorizationFrom(
  packet: Attributed,
  { identity, server, roleAttributes = [] }: AcceptContext,
): Accepted {
  const reading = new Reading(packet);
  const others = keptAttributes(packet);
  const authorization: Authorization = {
    userName: reading.text('User-Name') ?? identity,
    classes: classesOf(packet),
    reauthenticateAtTimeout: reading.terminationAction(),
    server,
    ...present({
      sessionTimeout: reading.duration('Session-Timeout'),
      idleTimeout: reading.duration('Idle-Timeout'),
      interimInterval: reading.duration('Acct-Interim-Interval'),
      filterId: reading.filterId(),
      vendorRole: vendorRole(packet, roleAttributes),
      vlan: reading.vlan(),
      egress: reading.egress(),
      voice: reading.voice(),
      filterRules: reading.filterRules(),
      framedIp: reading.framedIp(),
      replyMessage: reading.replyMessage(),
      cui: copyOf(attributeOctets(packet, 'Chargeable-User-Identity')),
      state: copyOf(attributeOctets(packet, 'State')),
      others: others.length === 0 ? undefined : others,
    }),
  };
  const { warnings } = reading;
  return {
    authorization,
    warnings,
    ...present({ eap: eapMessage(packet), otherService: reading.otherService() }),
  };
}

export interface Rejected {
  /** EAP-Failure, normally. */
  readonly eap?: Uint8Array;
  /** Hostile text. */
  readonly replyMessage?: string;
}

/** Of a verified Access-Reject. */
export function rejectionFrom(packet: Attributed): Rejected {
  return present({ eap: eapMessage(packet), replyMessage: new Reading(packet).replyMessage() });
}

export interface Challenged {
  /** Absent: not a challenge that 802.1X can use. */
  readonly eap?: Uint8Array;
  /** To be sent back as it is, to the same server (RFC 2865 §5.24). */
  readonly state?: Uint8Array;
  /** Session-Timeout in a Challenge: how long to wait for the client's answer (RFC 3580 §3.17, suppTimeout). */
  readonly suppTimeout?: Millis;
}

/** Of a verified Access-Challenge. */
export function challengeFrom(packet: Attributed): Challenged {
  return present({
    eap: eapMessage(packet),
    state: copyOf(attributeOctets(packet, 'State')),
    suppTimeout: new Reading(packet).duration('Session-Timeout'),
  });
}
