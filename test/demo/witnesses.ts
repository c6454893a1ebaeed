// Who watches the demo: tcpdump on a client's wire, the kernel's notices about the bridge's table, the RADIUS server's
// own accounting log, a subscriber at the broker. Each tells the timeline what it sees; the agent tells it nothing.

import type { Broker } from '../rigs/lab/broker.ts';
import type { FreeRadius } from '../rigs/lab/freeradius.ts';
import { type LabSwitch, type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import type { Timeline } from './timeline.ts';

export interface Person {
  readonly name: string;
  readonly client: SwitchClient;
}

/** Lines of a program that runs inside a namespace. */
interface Watching {
  readonly netns: SwitchClient['netns'];
  readonly name: string;
  readonly argv: readonly string[];
  readonly onLine: (line: string) => void;
}

const TCPDUMP = ['tcpdump', '-i', 'eth0', '-l', '-n', '-e', '-t', '-xx', '--immediate-mode', '-Z', 'root'];

export class Witnesses {
  private readonly timers: NodeJS.Timeout[] = [];
  /** Whose entry is there: what the bridge had learnt before, and what is written once more, is no part of the story. */
  private readonly granted = new Set<Person>();
  private readonly stops: (() => Promise<unknown>)[] = [];

  constructor(
    private readonly timeline: Timeline,
    private readonly people: readonly Person[],
  ) {}

  async watch(lab: LabSwitch, radius: FreeRadius, broker: Broker): Promise<void> {
    this.watchTable(lab);
    this.watchAccounting(radius);
    await this.watchBroker(broker);
    await new Promise((resolve) => setTimeout(resolve, 800));
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    for (const stop of this.stops) await stop();
  }

  /** Once its link is up. */
  watchWire({ name, client }: Person): void {
    let eapHeader = '';
    this.follow({
      netns: client.netns,
      name: 'tcpdump',
      argv: [...TCPDUMP, 'ether proto 0x888e or arp or icmp'],
      onLine: (line) => {
        // A header, and the frame's octets in lines of sixteen: the EAP code is the third one of the second.
        const octets = /^\s+0x0010:\s+[0-9a-f]{4} ([0-9a-f]{2})/.exec(line);
        const text =
          octets === null ? describeFrame(line, client.mac) : describeEap(eapHeader, octets[1] ?? '');
        eapHeader = line.includes('EAP packet') ? line : line.startsWith('\t') ? eapHeader : '';
        if (octets !== null) eapHeader = '';
        if (text !== undefined) this.timeline.add('client', `${name}: ${text}`);
      },
    });
  }

  private watchTable(lab: LabSwitch): void {
    this.follow({
      netns: lab.netns,
      name: 'bridge monitor',
      argv: ['stdbuf', '-oL', 'bridge', 'monitor', 'fdb'],
      onLine: (line) => {
        const person = this.people.find(({ client }) => line.includes(client.mac));
        if (person === undefined) return;
        if (line.startsWith('Deleted')) {
          if (this.granted.delete(person)) {
            this.timeline.add('bridge', `${person.name}'s entry on ${person.client.port} is deleted`);
          }
        } else if (line.includes('static') && line.includes('sticky') && !this.granted.has(person)) {
          this.granted.add(person);
          this.timeline.add('bridge', `${person.name}'s entry on ${person.client.port}: static, sticky`);
        }
      },
    });
  }

  private watchAccounting(radius: FreeRadius): void {
    let told = 0;
    const timer = setInterval(() => {
      for (const record of radius.accounting().slice(told)) {
        told++;
        const kind = record['Acct-Status-Type'];
        if (kind !== 'Start' && kind !== 'Stop') continue;
        const cause = record['Acct-Terminate-Cause'];
        const why = cause === undefined ? '' : `, ${cause}, after ${record['Acct-Session-Time']} s`;
        this.timeline.add('radius', `Accounting-${kind} for ${record['User-Name']}${why}`);
      }
    }, 50);
    this.timers.push(timer);
  }

  private async watchBroker(broker: Broker): Promise<void> {
    const subscriber = await broker.subscribe('rollcall/v1/sw1/#');
    this.stops.push(() => subscriber.close());
    let told = 0;
    const timer = setInterval(() => {
      for (const { topic, payload } of subscriber.messages.slice(told)) {
        told++;
        const text = describeMessage(topic.replace('rollcall/v1/sw1/', ''), payload);
        if (text !== undefined) this.timeline.add('mqtt', text);
      }
    }, 20);
    this.timers.push(timer);
  }

  private follow({ netns, name, argv, onLine }: Watching): void {
    const running = netns.start({ name, argv });
    this.stops.push(() => running.stop());
    let told = 0;
    const timer = setInterval(() => {
      for (const line of running.lines.slice(told)) {
        told++;
        onLine(line);
      }
    }, 10);
    this.timers.push(timer);
  }
}

/** The first line that tcpdump prints of a frame; undefined for what the story does not need. */
function describeFrame(line: string, client: string): string | undefined {
  const sent = line.startsWith(client);
  if (line.includes('EAPOL start')) return 'EAPOL-Start';
  if (line.includes('EAPOL logoff')) return 'EAPOL-Logoff';
  // Unicast, and not from the host behind the uplink, which asks likewise for its own sake.
  const asked = /who-has (\S+?)(?: \([^)]*\))? tell (\S+?),/.exec(line);
  if (asked !== null && line.includes(`> ${client}`) && asked[2] !== UPLINK_IPV4) {
    return `ARP probe: who has ${asked[1]}? tell ${asked[2]}`;
  }
  if (sent && line.includes('is-at')) return 'ARP reply';
  if (sent && line.includes('ICMP echo request')) return 'ping goes out';
  return !sent && line.includes('ICMP echo reply') ? 'ping is answered' : undefined;
}

function describeEap(header: string, code: string): string | undefined {
  if (header === '') return undefined;
  if (code === '03') return 'EAP-Success';
  return code === '04' ? 'EAP-Failure' : undefined;
}

interface SessionNews {
  readonly type?: string;
  readonly user_name?: string;
  readonly cause?: string;
  readonly session?: { readonly user_name: string; readonly method: string };
  readonly probes?: readonly {
    readonly silent_periods: number;
    readonly times: number;
    readonly target: string;
  }[];
  readonly evidence?: { readonly probes_sent: number; readonly probes_answered: number };
  readonly relock?: { readonly verified: boolean };
}

function describeMessage(topic: string, payload: string): string | undefined {
  if (topic.startsWith('session/')) return payload === '' ? `${topic} cleared` : undefined;
  if (!topic.startsWith('event/')) return undefined;
  const news = JSON.parse(payload) as SessionNews;
  switch (news.type) {
    case 'session-start':
      return `session-start: ${news.session?.user_name}, by ${news.session?.method}`;
    case 'handshake-probe': {
      const asked = (news.probes ?? []).map(
        ({ target, silent_periods, times }) => `${target}, silent for ${silent_periods} of ${times} periods`,
      );
      return `handshake-probe: ${asked.join('; ')}`;
    }
    case 'session-end': {
      const { evidence, relock } = news;
      const proof = relock?.verified === true ? 'relock proven' : 'relock NOT proven';
      const probes = `${evidence?.probes_sent} probes, ${evidence?.probes_answered} answered`;
      return `session-end: ${news.user_name}, ${news.cause}; ${probes}; ${proof}`;
    }
    default:
      return undefined;
  }
}
