// A machine on a port's wire: it has a MAC, perhaps addresses, a supplicant, and manners (answers ARP and ND, talks by
// itself, falls silent). Everything that it says and hears is a frame.

import type { Ipv4, Ipv6 } from '../../../src/base/ip.ts';
import { BROADCAST_ADDRESS, type Mac, PAE_GROUP_ADDRESS } from '../../../src/base/mac.ts';
import type { PortName } from '../../../src/model/dataplane.ts';
import { ARP_REPLY, ARP_REQUEST, buildArpReply, buildArpRequest, decodeArp } from '../../../src/wire/arp.ts';
import { decodeEapol, EAPOL_EAP } from '../../../src/wire/eapol.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  ETHERTYPE_PAE,
  encodeEthernet,
} from '../../../src/wire/ethernet.ts';
import {
  decodeNd,
  encodeNd,
  multicastMac,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  solicitedNodeAddress,
} from '../../../src/wire/nd.ts';
import { SimSupplicant, type SimUser } from './supplicant.ts';

/** IEEE 802 local experimental: traffic of no protocol that the agent's capture lets through. */
const ETHERTYPE_TRAFFIC = 0x88b5;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

export interface ClientOptions {
  readonly mac: Mac;
  readonly port: PortName;
  readonly ipv4?: Ipv4;
  readonly ipv6?: Ipv6;
  readonly user: SimUser;
}

export interface ClientWorld {
  readonly transmit: (port: PortName, bytes: Uint8Array) => void;
  readonly in: (ms: number, run: () => void) => void;
}

export interface PingTarget {
  readonly ipv4: Ipv4;
  readonly ipv6: Ipv6;
}

export class SimClient {
  readonly mac: Mac;
  port: PortName;
  ipv4: Ipv4 | undefined;
  ipv6: Ipv6 | undefined;
  /** It tags what it sends (EAPOL aside), as a phone does. */
  tag: number | undefined;
  readonly supplicant: SimSupplicant;
  /** It hears and says nothing, as a machine that crashed. */
  silent = false;
  /** Solicitations and requests for its addresses that came in: probes, as a rule. */
  askedFor = 0;
  private talking = 0;
  private echoes = 0;

  constructor(
    options: ClientOptions,
    private readonly world: ClientWorld,
  ) {
    this.mac = options.mac;
    this.port = options.port;
    this.ipv4 = options.ipv4;
    this.ipv6 = options.ipv6;
    this.supplicant = new SimSupplicant(options.user, {
      send: (eapol) => this.send(PAE_GROUP_ADDRESS, ETHERTYPE_PAE, eapol),
      in: world.in,
    });
  }

  /** A frame of its own every `ms`, until the next call; 0 = none. */
  talk(ms: number): void {
    const round = ++this.talking;
    const say = (): void => {
      if (round !== this.talking) return;
      this.say();
      this.world.in(ms, say);
    };
    if (ms > 0) say();
  }

  /** One broadcast frame. */
  say(): void {
    this.send(BROADCAST_ADDRESS, ETHERTYPE_TRAFFIC, new Uint8Array(46));
  }

  /** Announces its address, as a host does when it gets one (RFC 5227 §2.3). */
  announce(): void {
    if (this.ipv4 === undefined) return;
    const own = { senderMac: this.mac, senderIp: this.ipv4, targetIp: this.ipv4 };
    this.send(BROADCAST_ADDRESS, ETHERTYPE_ARP, buildArpRequest(own));
  }

  /** Asks for the target's MAC, and sends it an echo request; `answered` of the result tells. */
  ping(target: PingTarget): { readonly answered: () => boolean } {
    const before = this.echoes;
    if (this.ipv4 !== undefined) {
      const asking = { senderMac: this.mac, senderIp: this.ipv4, targetIp: target.ipv4 };
      this.send(BROADCAST_ADDRESS, ETHERTYPE_ARP, buildArpRequest(asking));
    } else if (this.ipv6 !== undefined) this.solicit(this.ipv6, target.ipv6);
    this.send(BROADCAST_ADDRESS, ETHERTYPE_TRAFFIC, Uint8Array.of(ECHO_REQUEST));
    return { answered: () => this.echoes > before };
  }

  receive(bytes: Uint8Array): void {
    if (this.silent) return;
    const frame = decodeEthernet(bytes);
    if (!frame.ok) return;
    const { destination, source, etherType, payload } = frame.value;
    const group = (Number.parseInt(destination.slice(0, 2), 16) & 1) === 1;
    if (destination !== this.mac && !group) return;
    // Its stack has its addresses on the tagged interface, or on the untagged one.
    if (etherType !== ETHERTYPE_PAE && frame.value.vlan !== this.tag) return;
    switch (etherType) {
      case ETHERTYPE_PAE: {
        const pdu = decodeEapol(payload);
        if (pdu.ok && pdu.value.type === EAPOL_EAP) this.supplicant.receive(pdu.value.body);
        return;
      }
      case ETHERTYPE_ARP:
        this.receiveArp(source, payload);
        return;
      case ETHERTYPE_IPV6:
        this.receiveNd(source, payload);
        return;
      case ETHERTYPE_TRAFFIC:
        if (payload[0] === ECHO_REPLY && payload.length === 1) this.echoes++;
        return;
      default:
        return;
    }
  }

  send(destination: Mac, etherType: number, payload: Uint8Array): void {
    if (this.silent) return;
    const tag = this.tag === undefined || etherType === ETHERTYPE_PAE ? {} : { vlan: this.tag };
    const frame = { destination, source: this.mac, ...tag, etherType, payload };
    this.world.transmit(this.port, encodeEthernet(frame));
  }

  private receiveArp(source: Mac, payload: Uint8Array): void {
    const arp = decodeArp(payload);
    if (!arp.ok || arp.value.operation !== ARP_REQUEST || arp.value.targetIp !== this.ipv4) return;
    this.askedFor++;
    const { senderMac, senderIp } = arp.value;
    const reply = buildArpReply({
      senderMac: this.mac,
      senderIp: this.ipv4,
      targetMac: senderMac,
      targetIp: senderIp,
    });
    this.send(source, ETHERTYPE_ARP, reply);
  }

  private receiveNd(source: Mac, payload: Uint8Array): void {
    const nd = decodeNd(payload);
    if (!nd.ok || nd.value.type !== ND_NEIGHBOR_SOLICITATION || nd.value.target !== this.ipv6) return;
    this.askedFor++;
    const advertisement = encodeNd({
      type: ND_NEIGHBOR_ADVERTISEMENT,
      source: this.ipv6,
      destination: nd.value.source,
      target: this.ipv6,
      router: false,
      solicited: true,
      override: true,
      linkLayer: this.mac,
    });
    this.send(source, ETHERTYPE_IPV6, advertisement);
  }

  private solicit(own: Ipv6, target: Ipv6): void {
    const group = solicitedNodeAddress(target);
    const solicitation = encodeNd({
      type: ND_NEIGHBOR_SOLICITATION,
      source: own,
      destination: group,
      target,
      linkLayer: this.mac,
    });
    this.send(multicastMac(group), ETHERTYPE_IPV6, solicitation);
  }
}

/** The host beyond the uplink: it answers everybody who gets through. */
export class SimGateway {
  /** The VLAN of each one's last frame; undefined = it was not tagged. */
  readonly heardIn = new Map<Mac, number | undefined>();

  constructor(
    readonly mac: Mac,
    readonly addresses: PingTarget,
    private readonly transmit: (bytes: Uint8Array) => void,
  ) {}

  receive(bytes: Uint8Array): void {
    const frame = decodeEthernet(bytes);
    if (!frame.ok) return;
    const { source, vlan, etherType, payload } = frame.value;
    this.heardIn.set(source, vlan);
    const tag = vlan === undefined ? {} : { vlan };
    const back = { destination: source, source: this.mac, ...tag, etherType };
    if (etherType === ETHERTYPE_TRAFFIC && payload[0] === ECHO_REQUEST && payload.length === 1) {
      this.transmit(encodeEthernet({ ...back, payload: Uint8Array.of(ECHO_REPLY) }));
    } else if (etherType === ETHERTYPE_ARP) {
      const arp = decodeArp(payload);
      if (!arp.ok || arp.value.operation === ARP_REPLY || arp.value.targetIp !== this.addresses.ipv4) return;
      const reply = buildArpReply({
        senderMac: this.mac,
        senderIp: this.addresses.ipv4,
        targetMac: arp.value.senderMac,
        targetIp: arp.value.senderIp,
      });
      this.transmit(encodeEthernet({ ...back, payload: reply }));
    }
  }
}
