// tcpdump on one interface, and what tshark reads out of its file: the lab's impartial witness.

import { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';
import { must, sleep } from './process.ts';

/** One ARP or neighbour solicitation on the wire. Times are seconds since 1970, as the kernel stamped them. */
export interface AddressQuestion {
  readonly at: number;
  readonly ethernetSource: string;
  readonly ethernetDestination: string;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetIp: string;
}

export class Sniffer {
  readonly #process: LabProcess;
  readonly #folder: LabFolder;
  readonly #preferences: readonly string[];

  private constructor(process: LabProcess, folder: LabFolder, preferences: readonly string[]) {
    this.#process = process;
    this.#folder = folder;
    this.#preferences = preferences;
  }

  /** Listening when this returns. `filter` in pcap-filter(7) words; `preferences` of tshark, `name:value`. */
  static async start(
    netns: Netns,
    options: {
      readonly device?: string;
      readonly filter?: string;
      readonly preferences?: readonly string[];
      /** Octets of a frame that are kept, at most; the fewer, the more frames wait for tcpdump in its buffer (all: some 500). */
      readonly snaplen?: number;
      /** Only what comes in by the interface. */
      readonly inbound?: true;
    } = {},
  ): Promise<Sniffer> {
    const folder = new LabFolder('sniffer');
    const argv = [
      'tcpdump',
      '-i',
      options.device ?? 'eth0',
      '-n',
      '-U',
      '--immediate-mode',
      // KiB: none of thousands of packets in a second is to be lost.
      '-B',
      '32768',
      '-Z',
      'root',
      ...(options.snaplen === undefined ? [] : ['-s', `${options.snaplen}`]),
      ...(options.inbound === true ? ['-Q', 'in'] : []),
      '-w',
      folder.file('frames.pcap'),
    ];
    const process = netns.start({
      name: 'tcpdump',
      argv: options.filter === undefined ? argv : [...argv, options.filter],
    });
    await process.waitForLine(/listening on/);
    return new Sniffer(process, folder, options.preferences ?? []);
  }

  /** The capture file; whole after `stop`. */
  get file(): string {
    return this.#folder.file('frames.pcap');
  }

  /** Ends the capture after what is under way has arrived; the file stays until `close`. */
  async stop(): Promise<void> {
    await sleep(100);
    await this.#process.stop();
  }

  /** Rows of tshark fields, for frames that match a display filter. */
  async fields(displayFilter: string, names: readonly string[]): Promise<readonly (readonly string[])[]> {
    const wanted = names.flatMap((name) => ['-e', name]);
    const said = await must([
      'tshark',
      '-n',
      ...this.#preferences.flatMap((preference) => ['-o', preference]),
      '-r',
      this.file,
      '-Y',
      displayFilter,
      '-T',
      'fields',
      '-E',
      'occurrence=f',
      ...wanted,
    ]);
    return said
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  }

  async count(displayFilter: string): Promise<number> {
    return (await this.fields(displayFilter, ['frame.number'])).length;
  }

  arpRequests(displayFilter = 'arp'): Promise<readonly AddressQuestion[]> {
    return this.#questions(`arp.opcode == 1 && (${displayFilter})`, [
      'arp.src.hw_mac',
      'arp.src.proto_ipv4',
      'arp.dst.proto_ipv4',
    ]);
  }

  neighbourSolicitations(displayFilter = 'icmpv6'): Promise<readonly AddressQuestion[]> {
    return this.#questions(`icmpv6.type == 135 && (${displayFilter})`, [
      ...['icmpv6.opt.src_linkaddr', 'ipv6.src', 'icmpv6.nd.ns.target_address'],
    ]);
  }

  /** Lines of what tshark takes for malformed, or for an error of the sender's; `among` is a display filter. */
  async faults(among = 'frame'): Promise<readonly string[]> {
    const rows = await this.fields(`(${among}) && (_ws.malformed || _ws.expert.severity == error)`, [
      'frame.number',
      '_ws.col.Protocol',
      '_ws.col.Info',
    ]);
    return rows.map((row) => row.join(' '));
  }

  async close(): Promise<void> {
    await this.#process.stop();
    this.#folder.remove();
  }

  async #questions(displayFilter: string, names: readonly string[]): Promise<readonly AddressQuestion[]> {
    const rows = await this.fields(displayFilter, ['frame.time_epoch', 'eth.src', 'eth.dst', ...names]);
    return rows.map(
      ([
        at = '',
        ethernetSource = '',
        ethernetDestination = '',
        senderMac = '',
        senderIp = '',
        targetIp = '',
      ]) => ({
        at: Number(at),
        ethernetSource,
        ethernetDestination,
        senderMac,
        senderIp,
        targetIp,
      }),
    );
  }
}
