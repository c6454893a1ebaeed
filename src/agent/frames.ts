// What came in on a port: EAPOL goes to the supplicants, everything else of a known client is a sign of life.
// Octets that make no sense are dropped here, each counted by protocol and reason.

import { isStationAddress, type Mac, macFromBytes } from '../base/mac.ts';
import { assertNever, type Decoded, type Malformed, ok } from '../base/result.ts';
import type { Sign } from '../liveness/address-learning.ts';
import type { PortName } from '../model/dataplane.ts';
import { decodeArp } from '../wire/arp.ts';
import { BOOTREPLY, decodeDhcp } from '../wire/dhcp.ts';
import { decodeEapol } from '../wire/eapol.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_PAE,
  type EthernetFrame,
} from '../wire/ethernet.ts';
import { decodeNd } from '../wire/nd.ts';
import type { Core } from './core.ts';

/** Destination and source, which any frame begins with. */
const SOURCE_AT = 6;
const ADDRESSES_END = 12;

export class Frames {
  constructor(private readonly core: Core) {}

  receive(port: PortName, bytes: Uint8Array): void {
    const { bridge, floods } = this.core.parts;
    // Before anything else of it is read: nonsense at line rate is a flood, too.
    if (bytes.length >= ADDRESSES_END && !floods.admits(port, macFromBytes(bytes, SOURCE_AT))) return;
    const frame = decodeEthernet(bytes);
    if (!frame.ok) {
      this.drop('ethernet', frame.error);
      return;
    }
    const { source, etherType } = frame.value;
    if (!isStationAddress(source) || bridge.isOwnAddress(source)) {
      this.core.drops.add('ethernet-source');
      return;
    }
    if (!this.core.parts.ports.isAuto(port)) {
      this.core.drops.add('port-not-auto');
      return;
    }
    if (etherType === ETHERTYPE_PAE) this.eapol(port, source, frame.value.payload);
    else this.signOfLife(port, source, frame.value);
  }

  private eapol(port: PortName, source: Mac, payload: Uint8Array): void {
    const pdu = decodeEapol(payload);
    if (!pdu.ok) {
      this.drop('eapol', pdu.error);
      return;
    }
    this.core.parts.watch.heard(port, source, { kind: 'eapol' });
    this.core.parts.supplicants.receive(port, source, pdu.value);
  }

  private signOfLife(port: PortName, source: Mac, frame: EthernetFrame): void {
    const protocol = PROTOCOLS[frame.etherType];
    const sign = protocol === undefined ? undefined : readSign(protocol, frame.payload);
    if (protocol === undefined || sign === undefined) this.core.drops.add('ethernet-ether-type');
    else if (!sign.ok) this.drop(protocol, sign.error);
    else {
      // Whatever it gives, it is no server that can be believed.
      if (sign.value.kind === 'dhcp' && sign.value.message.op === BOOTREPLY)
        this.core.drops.add('dhcp-untrusted-server');
      this.core.parts.watch.heard(port, source, sign.value);
    }
  }

  private drop(protocol: string, { reason, detail }: Malformed): void {
    this.core.drops.add(`${protocol}-${reason}`);
    this.core.out.log('debug', `${protocol} frame dropped: ${detail}`, { reason });
  }
}

/** What the capture's filter lets through beside EAPOL. */
const PROTOCOLS: Readonly<Record<number, 'arp' | 'nd' | 'dhcp'>> = {
  [ETHERTYPE_ARP]: 'arp',
  [ETHERTYPE_IPV6]: 'nd',
  [ETHERTYPE_IPV4]: 'dhcp',
};

/** Undefined for a frame that is none, or makes no sense. */
export function readFrameSign({ etherType, payload }: EthernetFrame): Sign | undefined {
  const protocol = PROTOCOLS[etherType];
  const sign = protocol === undefined ? undefined : readSign(protocol, payload);
  return sign?.ok === true ? sign.value : undefined;
}

function readSign(protocol: 'arp' | 'nd' | 'dhcp', payload: Uint8Array): Decoded<Sign> {
  switch (protocol) {
    case 'arp': {
      const packet = decodeArp(payload);
      return packet.ok ? ok({ kind: 'arp', packet: packet.value }) : packet;
    }
    case 'nd': {
      const message = decodeNd(payload);
      return message.ok ? ok({ kind: 'nd', message: message.value }) : message;
    }
    case 'dhcp': {
      const message = decodeDhcp(payload);
      return message.ok ? ok({ kind: 'dhcp', message: message.value }) : message;
    }
    default:
      return assertNever(protocol);
  }
}
