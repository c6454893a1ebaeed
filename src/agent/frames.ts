// What came in on a port: EAPOL goes to the supplicants, everything else of a known client is a sign of life.
// Octets that make no sense are dropped here, each counted by protocol and reason.

import { isStationAddress, type Mac } from '../base/mac.ts';
import type { Malformed } from '../base/result.ts';
import type { PortName } from '../model/dataplane.ts';
import { decodeArp } from '../wire/arp.ts';
import { decodeDhcp } from '../wire/dhcp.ts';
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

export class Frames {
  constructor(private readonly core: Core) {}

  receive(port: PortName, bytes: Uint8Array): void {
    const { ports } = this.core.parts;
    const frame = decodeEthernet(bytes);
    if (!frame.ok) return this.drop('ethernet', frame.error);
    const { source, etherType } = frame.value;
    if (!isStationAddress(source) || ports.isOwnAddress(source)) {
      this.core.drops.add('ethernet-source');
      return;
    }
    if (!ports.isAuto(port)) {
      this.core.drops.add('port-not-auto');
      return;
    }
    if (etherType === ETHERTYPE_PAE) this.eapol(port, source, frame.value.payload);
    else this.signOfLife(port, source, frame.value);
  }

  private eapol(port: PortName, source: Mac, payload: Uint8Array): void {
    const pdu = decodeEapol(payload);
    if (!pdu.ok) return this.drop('eapol', pdu.error);
    this.core.parts.watch.heard(port, source, { kind: 'eapol' });
    this.core.parts.supplicants.receive(port, source, pdu.value);
  }

  private signOfLife(port: PortName, source: Mac, { etherType, payload }: EthernetFrame): void {
    const { watch } = this.core.parts;
    switch (etherType) {
      case ETHERTYPE_ARP: {
        const packet = decodeArp(payload);
        if (!packet.ok) return this.drop('arp', packet.error);
        return watch.heard(port, source, { kind: 'arp', packet: packet.value });
      }
      case ETHERTYPE_IPV6: {
        const message = decodeNd(payload);
        if (!message.ok) return this.drop('nd', message.error);
        return watch.heard(port, source, { kind: 'nd', message: message.value });
      }
      case ETHERTYPE_IPV4: {
        const message = decodeDhcp(payload);
        if (!message.ok) return this.drop('dhcp', message.error);
        return watch.heard(port, source, { kind: 'dhcp', message: message.value });
      }
      default:
        this.core.drops.add('ethernet-ether-type');
    }
  }

  private drop(protocol: string, { reason, detail }: Malformed): void {
    this.core.drops.add(`${protocol}-${reason}`);
    this.core.out.log('debug', `${protocol} frame dropped: ${detail}`, { reason });
  }
}
