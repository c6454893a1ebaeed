// What a client sends to the switch itself: EAPOL, ARP, neighbour discovery and DHCP, captured on its bridge port.
//
// One node_pcap session per port; the kernel filters, so that user traffic costs nothing here. Only what comes in: a
// bridge floods, and a neighbour's ARP leaving through this port would look like a client that moved here.
// Not promiscuous: a bridge port is that already, and so receives the PAE group address 01-80-C2-00-00-03.
//
// Limits: frames that arrive before `open` has returned, or faster than the ring of 64 KiB is read, are lost; so ask for
// the identity after opening. An interface that goes administratively down ends the capture: `onError` says so, once,
// and the owner opens again when the interface is up. Opening takes about 12 ms.

import { createRequire } from 'node:module';
import type { Mac } from '../../base/mac.ts';
import type { Result } from '../../base/result.ts';
import { err, messageOf, ok } from '../../base/result.ts';
import type { PortName } from '../../model/dataplane.ts';

/** The part of node_pcap 3.1 (patched, board/patches) that is used here; its own types pull in another Node's. */
interface PcapPackage {
  warningHandler: (text: string) => void;
  createSession(
    device: string,
    options: {
      readonly filter: string;
      readonly buffer_timeout: number;
      readonly buffer_size: number;
      readonly snap_length: number;
      readonly promiscuous: boolean;
      /** Of the patch: nothing that leaves. The filter word `inbound` loses the first frame after opening. */
      readonly inbound: boolean;
    },
  ): PcapSession;
}

interface PcapSession {
  readonly link_type: string;
  on(event: 'packet', listener: (packet: PcapPacket) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  /** Of the patch: another filter from now on; throws where the kernel does not take it. */
  setFilter(filter: string): void;
  /** Since the session was opened, of what the filter let through. */
  stats(): { readonly ps_drop: number };
  close(): void;
}

/** Both buffers belong to the session and are overwritten by the next frame. */
interface PcapPacket {
  readonly buf: Uint8Array;
  /** struct pcap_pkthdr in host order: seconds, microseconds, captured length, length on the wire; 4 octets each. */
  readonly header: Uint8Array;
}

/** Octets kept of a frame: more than any EAPOL frame on Ethernet has. */
const SNAP_LENGTH = 2048;
/** Octets of the kernel's ring, per port. */
const RING_SIZE = 65536;
/** 0 = immediate mode: a frame is delivered when it comes, not when a block is full. */
const BUFFER_TIMEOUT = 0;
const CAPTURED_LENGTH_OFFSET = 8;

// ICMPv6 types: router solicitation 133, neighbour solicitation 135, neighbour advertisement 136 (RFC 4861 §4).
const WANTED =
  'ether proto 0x888e or arp or (icmp6 and (ip6[40] == 133 or ip6[40] == 135 or ip6[40] == 136)) or (ip and udp and (port 67 or port 68))';

/** `vlan` shifts every offset that follows it (pcap-filter(7)), hence the same words twice. */
export const CAPTURE_FILTER = `${WANTED} or (vlan and (${WANTED}))`;

const FROM_DHCP_SERVER = '(ip and udp src port 67) or (ip6 and udp src port 547)';
const TAGGED_TOO = `${FROM_DHCP_SERVER} or (vlan and (${FROM_DHCP_SERVER}))`;

/** What DHCP servers send: what comes in, or what this host itself sends; that word loses the first frame, which is borne here. */
export const LEASE_SCOPES = {
  in: { filter: TAGGED_TOO, inbound: true },
  out: { filter: `outbound and (${TAGGED_TOO})`, inbound: false },
} as const;

/** What is captured, if it is not what clients send. */
export interface CaptureScope {
  readonly filter: string;
  /** Nothing that leaves. */
  readonly inbound: boolean;
}

/** A capture on one port, opened and closed as often as its link comes and goes. */
export class Capture {
  readonly #port: PortName;
  readonly #onFrame: (port: PortName, frame: Uint8Array) => void;
  readonly #onError: (port: PortName, reason: string) => void;
  readonly #scope: CaptureScope;
  #session: PcapSession | null = null;
  /** Lost frames that were told of. */
  #lostTold = 0;

  /** `onFrame` owns the frame it gets (a copy). `onError` is called when an open capture has ended by itself. */
  constructor(
    port: PortName,
    onFrame: (port: PortName, frame: Uint8Array) => void,
    onError: (port: PortName, reason: string) => void,
    scope: CaptureScope = { filter: CAPTURE_FILTER, inbound: true },
  ) {
    this.#port = port;
    this.#onFrame = onFrame;
    this.#onError = onError;
    this.#scope = scope;
  }

  get isOpen(): boolean {
    return this.#session !== null;
  }

  /** Starts the capture; one that is open is closed first. The error is a sentence for the operator. */
  open(): Result<void, string> {
    this.close();
    let session: PcapSession;
    try {
      const pcap = loadPcap();
      // The package would print that a port without an IPv4 address has none.
      pcap.warningHandler = () => {};
      session = pcap.createSession(this.#port, {
        filter: this.#scope.filter,
        buffer_timeout: BUFFER_TIMEOUT,
        buffer_size: RING_SIZE,
        snap_length: SNAP_LENGTH,
        promiscuous: false,
        inbound: this.#scope.inbound,
      });
    } catch (error) {
      return err(`capture on ${this.#port} could not be opened: ${messageOf(error)}`);
    }
    if (session.link_type !== 'LINKTYPE_ETHERNET') {
      session.close();
      return err(`capture on ${this.#port} could not be opened: not Ethernet but ${session.link_type}`);
    }
    session.on('packet', (packet) => {
      if (this.#session === session) this.#onFrame(this.#port, copyOf(packet));
    });
    session.on('error', (error) => {
      if (this.#session !== session) return;
      this.close();
      this.#onError(this.#port, `capture on ${this.#port} ended: ${error.message}`);
    });
    this.#session = session;
    this.#lostTold = 0;
    return ok(undefined);
  }

  /**
   * From now on what these MACs send, and nothing else; undefined: what anybody sends. The kernel drops the rest unseen. Where it
   * does not take the filter, nobody knows which one it has: the capture is opened anew, and hears anybody.
   */
  hear(only: readonly Mac[] | undefined): void {
    try {
      this.#session?.setFilter(only === undefined ? this.#scope.filter : fromThese(only, this.#scope.filter));
    } catch (error) {
      const again = this.open();
      if (again.ok) return;
      this.#onError(
        this.#port,
        `capture on ${this.#port} ended: its filter could not be changed: ${messageOf(error)}; ${again.error}`,
      );
    }
  }

  /** Frames for which the ring had no room, since the last call; those of a capture that is closed are nobody's. */
  takeLost(): number {
    if (this.#session === null) return 0;
    const lost = this.#session.stats().ps_drop;
    const since = lost - this.#lostTold;
    this.#lostTold = lost;
    return since;
  }

  /** Frees the descriptor at once; may be called from `onFrame`, and twice. No frame is delivered after it. */
  close(): void {
    const session = this.#session;
    this.#session = null;
    session?.close();
  }
}

/** No frame comes from the broadcast address: nobody's. */
const NOBODY = 'ether src ff:ff:ff:ff:ff:ff';

function fromThese(macs: readonly Mac[], filter: string): string {
  const sources = macs.map((mac) => `ether src ${mac}`);
  // First: it is what a flood fails by.
  return sources.length === 0 ? NOBODY : `(${sources.join(' or ')}) and (${filter})`;
}

function copyOf(packet: PcapPacket): Uint8Array {
  const header = new DataView(packet.header.buffer, packet.header.byteOffset, packet.header.byteLength);
  const captured = header.getUint32(CAPTURED_LENGTH_OFFSET, HOST_IS_LITTLE_ENDIAN);
  return new Uint8Array(packet.buf.subarray(0, captured));
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Loaded at the first open, not at start-up: ports are locked before anything is captured. */
function loadPcap(): PcapPackage {
  return createRequire(import.meta.url)('pcap') as PcapPackage;
}
