// The switch of a run of chaos: a scene of the lab (rigs/lab/scene.ts) with the crowd's ports beside those of its own machines, and a
// witness at the uplink's far end.

import { LabClock } from '../rigs/lab/clock.ts';
import { keepNeighbours } from '../rigs/lab/machine.ts';
import { Medium } from '../rigs/lab/medium.ts';
import { type LabSwitch, Netns, SWITCH_MAC } from '../rigs/lab/netns.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import { Wire } from './crowd.ts';

/** What the frames begin with that make notices overrun (native/build/flood); they are sent where the witness is. */
const FLOOD = '0x02f1';

export interface TownOptions {
  readonly hosts: number;
  readonly crowdPorts: number;
  readonly clients: number;
  readonly periodS: number;
  readonly times: number;
}

export interface Town {
  readonly scene: Scene;
  readonly wire: Wire;
  readonly witness: Sniffer;
  /** MAC of the uplink's far end. */
  readonly gateway: string;
  /** What the agent's state folder is on. */
  readonly medium: Medium;
  /** What the agent lives by. */
  readonly clock: LabClock;
  /** Entries that a foreign hand has written. */
  readonly forged: { readonly mac: string; readonly at: number }[];
  close(): Promise<void>;
}

export const GRANTED_STRANGER = '02:66:00:00:00:00';
export const LEARNT_STRANGER = '02:66:00:00:00:01';
/** They try to pass, and never say who they are; a foreign hand lets the first two in. */
export const STRANGER_MACS: readonly string[] = Array.from(
  { length: 40 },
  (_, n) => `02:66:00:00:00:${n.toString(16).padStart(2, '0')}`,
);

export async function openTown(options: TownOptions): Promise<Town> {
  const { hosts, crowdPorts, clients } = options;
  const far = Netns.create();
  const medium = Medium.create();
  const clock = await LabClock.create();
  const leave = (): void => {
    far.close();
    medium.close();
    clock.close();
  };
  const scene = await Scene.open({
    ports: hosts,
    radius: { users: Array.from({ length: clients }, (_, i) => ({ name: `u${i + 1}`, password: PASSWORD })) },
    config: { ...configOf(options), state_dir: medium.path },
    env: clock.env,
    prepare: async (lab) => {
      for (const { netns } of [...lab.clients, { netns: lab.uplink }]) await keepNeighbours(netns);
      await addPorts(lab, far, hosts + 1, crowdPorts);
    },
  }).catch((error: unknown) => {
    leave();
    throw error;
  });
  try {
    const { lab } = scene;
    const gateway = (await lab.uplink.must(['cat', '/sys/class/net/eth0/address'])).trim();
    await lab.netns.must(['bridge', 'fdb', 'replace', gateway, 'dev', 'up0', 'master', 'static']);
    // Where the bridge is gone, its uplink speaks for itself.
    const own = (await lab.netns.must(['cat', '/sys/class/net/up0/address'])).trim();
    const witness = await Sniffer.start(lab.uplink, {
      inbound: true,
      filter: `not ether src ${SWITCH_MAC} and not ether src ${own} and ether[6:2] != ${FLOOD}`,
    });
    scene.atClose(() => witness.close());
    const wire = await Wire.open(far, hosts + 1, crowdPorts);
    scene.atClose(() => wire.close());
    const close = async (): Promise<void> => {
      await scene.close();
      leave();
    };
    return { scene, wire, witness, gateway, medium, clock, forged: [], close };
  } catch (error) {
    scene.excuse('agent', 'the town has not come to be');
    await scene.close();
    leave();
    throw error;
  }
}

function configOf({ periodS, times }: TownOptions) {
  return {
    handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
    roles: { default: { handshake: { period_s: periodS, times } } },
    dot1x: { quiet_period_s: 2 },
  };
}

async function addPorts(lab: LabSwitch, far: Netns, first: number, count: number): Promise<void> {
  await far.setSysctl('net.ipv6.conf.default.disable_ipv6', 1);
  const ports = Array.from({ length: count }, (_, i) => first + i);
  const near = ports.flatMap((n) => [
    `link add p${n} type veth peer name c${n} netns ${far.name}`,
    `link set p${n} master br0 up`,
  ]);
  await lab.netns.must(['ip', '-batch', '-'], { input: `${near.join('\n')}\n` });
  await far.must(['ip', '-batch', '-'], { input: ports.map((n) => `link set c${n} up\n`).join('') });
}

/** Whom the witness has seen, in the order of time. */
export async function passedBy({
  witness,
}: Town): Promise<readonly { readonly at: number; readonly mac: string }[]> {
  await witness.stop();
  const rows = await witness.fields('frame', ['frame.time_epoch', 'eth.src']);
  return rows.map(([time = '', mac = '']) => ({ at: Number(time) * 1000, mac }));
}
