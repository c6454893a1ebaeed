// `make qemu` boots the switch and says how long it takes to be online; `make qemu-shell` stays, with its console on the
// terminal. Outside are a broker, a RADIUS server that knows alice, and a client of the switch's first port.

import net from 'node:net';
import { Broker } from '../rigs/lab/broker.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { giveAddress, keepQuiet, Netns } from '../rigs/lab/netns.ts';
import { TOPIC_BASE } from '../rigs/lab/scene.ts';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { MANAGEMENT_IPV4, OUTSIDE_IPV4, Outside } from '../rigs/qemu/outside.ts';

const ONLINE_WITHIN_MS = 240_000;
/** Ctrl-], as telnet has it. */
const LEAVE = 0x1d;

type Undoing = () => unknown;

async function main(stays: boolean): Promise<void> {
  const began = Date.now();
  const since = (): string => `${((Date.now() - began) / 1000).toFixed(1)} s`;
  const undoings: Undoing[] = [];
  try {
    const image = await switchImage();
    console.log(`qemu: the image is there after ${since()}: ${image}`);
    const machine = await Machine.build({ image });
    undoings.push(() => machine.close());
    const outside = await Outside.plug(machine);
    undoings.push(() => outside.close());
    await machine.powerOn();
    const { services } = outside;
    const broker = await Broker.start(services, undefined, OUTSIDE_IPV4);
    undoings.push(() => broker.close());
    const users = [{ name: 'alice', password: 'wonder' }];
    const radius = await FreeRadius.start(services, {
      users,
      address: OUTSIDE_IPV4,
      client: MANAGEMENT_IPV4,
    });
    undoings.push(() => radius.close());
    const client = await plugClient(machine);
    undoings.push(() => unplug(machine, client));
    const upstream = await broker.subscribe(`${TOPIC_BASE}/#`);
    undoings.push(() => upstream.close());
    const isOnline = ({ topic, payload }: { topic: string; payload: string }): boolean =>
      topic === `${TOPIC_BASE}/availability` && payload.includes('"online"');
    await upstream.waitFor('the switch online', isOnline, ONLINE_WITHIN_MS);
    console.log(`qemu: online on MQTT after ${since()}`);
    await machine.reached();
    console.log(await machine.must('uname -sr; rollcall status'));
    if (stays) {
      console.log(
        `qemu: the client of lan1 is the namespace ${client.name}; the broker is in ${services.name}. Leave with Ctrl-].`,
      );
      await converse(machine.consoleSocket);
    }
  } finally {
    for (const undo of undoings.reverse()) await undo();
  }
}

async function plugClient(machine: Machine): Promise<Netns> {
  const netns = Netns.create();
  await keepQuiet(netns);
  await machine.plugInto('lan1', netns, '02:99:00:00:00:01');
  await netns.ip('link set eth0 up');
  await giveAddress(netns, 'eth0', { ipv4: '10.99.0.11', ipv6: 'fd00:99::11' });
  return netns;
}

async function unplug(machine: Machine, netns: Netns): Promise<void> {
  await machine.plugInto('lan1');
  netns.close();
}

/** Until Ctrl-], or the end of what is typed. */
function converse(socketPath: string): Promise<void> {
  const line = net.connect(socketPath);
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    if (stdin.isTTY) stdin.setRawMode(true);
    line.on('data', (bytes) => stdout.write(bytes));
    line.on('close', () => leave());
    line.on('error', () => leave());
    // A prompt.
    line.write('\n');
    const leave = (): void => {
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.removeAllListeners('data');
      stdin.pause();
      line.destroy();
      stdout.write('\n');
      resolve();
    };
    stdin.on('end', leave);
    stdin.on('data', (bytes: Buffer) => {
      if (bytes.includes(LEAVE)) leave();
      else line.write(bytes);
    });
  });
}

await main(process.argv[2] === 'shell');
