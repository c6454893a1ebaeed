import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { optmemMax } from '../../src/io/host/kernel-limits.ts';
import { filterRoom, KNOWN_MOST, OPTMEM_DEFAULT } from '../../src/pae/flood-gate.ts';
import { arpRequest, eapolStart, sendFrames } from '../rigs/lab/frames.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import { type LabProcess, must, sleep } from '../rigs/lab/process.ts';
import { bundledProgram } from '../rigs/lab/program.ts';

interface Told {
  readonly event: string;
  readonly port?: string;
  readonly hex?: string;
  readonly count?: number;
  readonly reason?: string;
  readonly result?: { readonly ok: boolean; readonly error?: string };
}

let lab: LabSwitch;
let program: string;

beforeAll(async () => {
  program = await bundledProgram('test/rigs/lab/capture-child.ts');
  lab = await LabSwitch.create({ ports: 3 });
});
afterAll(() => lab?.close());

class CaptureChild {
  readonly process: LabProcess;

  constructor(ports: readonly string[]) {
    this.process = lab.netns.start({ name: 'capture child', argv: ['node', program, ...ports] });
    onTestFinished(async () => {
      await this.process.stop();
    });
  }

  /** Says one thing and waits for its answer. */
  async ask(line: string, answer: string): Promise<Told> {
    const fromLine = this.process.lines.length;
    this.process.write(`${line}\n`);
    return JSON.parse(await this.process.waitForLine(new RegExp(`"event":"${answer}"`), { fromLine }));
  }

  async open(port: string): Promise<void> {
    expect((await this.ask(`open ${port}`, 'opened')).result).toEqual({ ok: true });
  }

  told(event: string): readonly Told[] {
    // libpcap says a word of its own where the kernel does not take a filter.
    const lines = this.process.lines.filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Told).filter((told) => told.event === event);
  }

  frames(port: string): readonly string[] {
    return this.told('frame').flatMap((told) =>
      told.port === port && told.hex !== undefined ? [told.hex] : [],
    );
  }

  async frame(port: string, hex: string, timeoutMs = 2000): Promise<void> {
    await this.process.waitForLine(new RegExp(`"port":"${port}","hex":"${hex}`), { timeoutMs });
  }
}

const [MAC1, MAC2] = ['02:99:00:00:00:01', '02:99:00:00:00:02'];

describe('a client on a bridge port', () => {
  test('is heard at once: EAPOL to the PAE group address, ARP, neighbour discovery and DHCP, and nothing else', async () => {
    const child = new CaptureChild(['p1']);
    await child.open('p1');
    const ns = lab.client(1).netns;
    await sendFrames(ns, 'eth0', [
      eapolStart(MAC1),
      arpRequest({ mac: MAC1, senderIp: '10.99.0.11', targetIp: '10.99.0.1' }),
    ]);
    await child.frame('p1', eapolStart(MAC1));
    await child.frame('p1', arpRequest({ mac: MAC1, senderIp: '10.99.0.11', targetIp: '10.99.0.1' }));
    await ns.run(['ping', '-6', '-c', '1', '-W', '1', 'fd00:99::fe']);
    await child.process.waitForLine(/"hex":"3333ff0000fe02990000000186dd.{40}/);
    await ns.must(['python3', '-c', udpTo(67, '10.99.0.254')]);
    await child.process.waitForLine(/"hex":"[0-9a-f]{24}08004500.{36}[0-9a-f]{4}0043/);
    const before = child.frames('p1').length;
    await ns.must(['python3', '-c', udpTo(9, '10.99.0.254')]);
    await ns.run(['ping', '-c', '1', '-W', '1', '10.99.0.1']);
    await sleep(100);
    const extra = child.frames('p1').slice(before);
    expect(extra.filter((hex) => !hex.startsWith('0806', 24) && !hex.startsWith('86dd', 24))).toEqual([]);
  });

  test('is heard behind a VLAN tag, and the frame shows the tag', async () => {
    const child = new CaptureChild(['p1']);
    await child.open('p1');
    const tagged = [
      eapolStart(MAC1, 7),
      arpRequest({ mac: MAC1, senderIp: '10.99.0.11', targetIp: '10.99.0.1', vlan: 4094 }),
    ];
    await sendFrames(lab.client(1).netns, 'eth0', tagged);
    for (const hex of tagged) await child.frame('p1', hex);
  });

  test('is not seen on the port that the bridge floods its ARP to', async () => {
    const child = new CaptureChild(['p1', 'p2']);
    await child.open('p1');
    await child.open('p2');
    const request = arpRequest({ mac: MAC2, senderIp: '10.99.0.12', targetIp: '10.99.0.77' });
    await sendFrames(lab.client(2).netns, 'eth0', [request]);
    await child.frame('p2', request);
    await sleep(200);
    expect(child.frames('p1').filter((hex) => hex.includes('029900000002'))).toEqual([]);
  });

  test('is heard within 100 ms, not when a block is full', async () => {
    const child = new CaptureChild(['p1']);
    await child.open('p1');
    for (let n = 0; n < 5; n++) {
      const frame = arpRequest({ mac: MAC1, senderIp: `10.99.1.${n}`, targetIp: '10.99.0.1' });
      await sendFrames(lab.client(1).netns, 'eth0', [frame]);
      await child.frame('p1', frame, 100);
    }
  });
});

describe('a port that goes administratively down', () => {
  test('ends its capture with one word of why, and hears again when it is opened after the port is up', async () => {
    const child = new CaptureChild(['p3']);
    await child.open('p3');
    await lab.setPort('p3', 'down');
    await child.process.waitForLine(/"event":"error","port":"p3"/);
    await lab.setPort('p3', 'up');
    await child.open('p3');
    const frame = eapolStart('02:99:00:00:00:03');
    await sendFrames(lab.client(3).netns, 'eth0', [frame]);
    await child.frame('p3', frame);
    expect(child.told('error')).toHaveLength(1);
  });

  test('cannot be opened while it is down, nor when there is none: the error names it', async () => {
    const child = new CaptureChild(['p3', 'nosuch0']);
    await lab.setPort('p3', 'down');
    for (const port of ['p3', 'nosuch0']) {
      const told = await child.ask(`open ${port}`, 'opened');
      expect(told.result?.error).toMatch(new RegExp(`^capture on ${port} could not be opened: .`));
    }
    expect(await packetSockets(child)).toBe(0);
    await lab.setPort('p3', 'up');
  });
});

describe('closing', () => {
  let child: CaptureChild;
  beforeEach(async () => {
    child = new CaptureChild(['p1', 'p2']);
    await child.process.waitForLine(/ready/);
  });

  test('200 reopens leave not one descriptor more', async () => {
    await child.open('p1');
    const before = (await child.ask('descriptors', 'descriptors')).count;
    await child.ask('reopen p1 200', 'reopened');
    expect((await child.ask('descriptors', 'descriptors')).count).toBe(before);
    expect(await packetSockets(child)).toBe(1);
  }, 30_000);

  test('from within the callback of a frame: nothing is delivered after it', async () => {
    await child.open('p1');
    await child.ask('close-on-frame p1', 'will-close');
    expect(await packetSockets(child)).toBe(1);
    const frame = eapolStart(MAC1);
    await sendFrames(lab.client(1).netns, 'eth0', [frame, frame, frame]);
    await child.frame('p1', frame);
    await sleep(100);
    expect(child.frames('p1')).toHaveLength(1);
    expect(await packetSockets(child)).toBe(0);
  });

  test('lets the process end by itself, without another frame', async () => {
    await child.open('p1');
    await child.open('p2');
    await child.ask('close p1', 'closed');
    await child.ask('close p2', 'closed');
    child.process.end();
    const code = await Promise.race([child.process.exited, sleep(2000).then(() => 'still running')]);
    expect(code).toBe(0);
  });
});

/** Packet sockets in the child's namespace, the switch's; the file has one head line. */
async function packetSockets(child: CaptureChild): Promise<number> {
  return Number(await must(['grep', '-c', '', `/proc/${child.process.pid}/net/packet`])) - 1;
}

function udpTo(port: number, address: string): string {
  return `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x' * 240, ('${address}', ${port}))`;
}

/** The client's own kernel may say something meanwhile. */
const isEapol = (frame: string): boolean => frame.slice(24, 28) === '888e';

describe('a port that is flooded', () => {
  test('hears whom it is told to, and nobody else, at once and until it is told otherwise', async () => {
    const child = new CaptureChild(['p1']);
    await child.open('p1');
    const ns = lab.client(1).netns;
    const all = ['02:77:00:00:00:01', '02:77:00:00:00:02', '02:77:00:00:00:03'];
    const everybody = (): Promise<void> =>
      sendFrames(
        ns,
        'eth0',
        all.map((mac) => eapolStart(mac)),
      );
    const heard = async (): Promise<readonly string[]> => {
      const before = child.frames('p1').length;
      await everybody();
      await sleep(200);
      return child.frames('p1').slice(before).filter(isEapol);
    };
    const [first = '', second = '', third = ''] = all.map((mac) => eapolStart(mac));
    expect(await heard()).toEqual([first, second, third]);
    await child.ask(`hear p1 ${all[1]}`, 'hears');
    expect(await heard()).toEqual([second]);
    await child.ask(`hear p1 ${all[0]},${all[2]}`, 'hears');
    expect(await heard()).toEqual([first, third]);
    await child.ask('hear p1 none', 'hears');
    expect(await heard()).toEqual([]);
    await child.ask('hear p1', 'hears');
    expect(await heard()).toEqual([first, second, third]);
  });

  const macs = (count: number): readonly string[] =>
    // With nothing in common: the filter is the longest.
    Array.from({ length: count }, (_, n) => {
      const octet = n.toString(16).padStart(2, '0');
      return `02:${octet}:78:00:${octet}:01`;
    });

  test('as many known clients as there can be fit into the filter, which is the kernel’s', async () => {
    const child = new CaptureChild(['p1']);
    await child.open('p1');
    const many = macs(filterRoom(optmemMax() ?? OPTMEM_DEFAULT));
    await child.ask(`hear p1 ${many.join(',')}`, 'hears');
    expect(await kernelFilters()).toBe(true);
    await sendFrames(lab.client(1).netns, 'eth0', [eapolStart(MAC1), eapolStart(many.at(-1) ?? '')]);
    await child.frame('p1', eapolStart(many.at(-1) ?? ''));
    expect(child.frames('p1').filter(isEapol)).toHaveLength(1);
    expect(child.told('error')).toEqual([]);
  });

  test('where the kernel has less room for filters it has them all the same, and would not have more', async ({
    skip,
  }) => {
    const setting = async (octets: number): Promise<boolean> =>
      (await lab.netns.run(['sysctl', '-qw', `net.core.optmem_max=${octets}`])).code === 0;
    // Before Linux 6.8 it is every namespace's, and not to be set in this one.
    skip(!(await setting(OPTMEM_DEFAULT)));
    const child = new CaptureChild(['p1']);
    await child.open('p1');
    await child.ask(`hear p1 ${macs(filterRoom(OPTMEM_DEFAULT)).join(',')}`, 'hears');
    expect(await kernelFilters()).toBe(true);
    // libpcap would filter by itself then, in silence: the capture hears anybody instead, by a filter of the kernel's.
    await child.ask(`hear p1 ${macs(KNOWN_MOST).join(',')}`, 'hears');
    expect(await kernelFilters()).toBe(true);
    expect(child.told('error')).toEqual([]);
    await sendFrames(lab.client(1).netns, 'eth0', [eapolStart(MAC1)]);
    await child.frame('p1', eapolStart(MAC1));
    await setting(optmemMax() ?? OPTMEM_DEFAULT);
  });
});

/**
 * Whether the one capture there is has its filter in the kernel. Its answer has no room for a filter of some hundred instructions, and leaves
 * such a socket out; one that has none is always told of.
 */
async function kernelFilters(): Promise<boolean> {
  const said = await lab.netns.must(['ss', '--packet', '--bpf', '--no-header']);
  return !said.includes('*:p1') || said.includes('bpf filter');
}
