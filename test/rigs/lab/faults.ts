// What goes wrong in a switch's life, each as one that begins and ends: on real parts, and without a hand on the agent's own code.
// docs/reliability.md says what is expected of each; test/lab/reliability.test.ts and `make chaos` bring them about.
//
// One at a time in a house. Whatever `begin` has done, `end` undoes; what has not begun ends without harm.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Agent } from './agent.ts';
import type { Broker } from './broker.ts';
import type { LabClock } from './clock.ts';
import type { FreeRadius } from './freeradius.ts';
import type { Medium } from './medium.ts';
import type { Netns } from './netns.ts';
import { must, run, sleep } from './process.ts';
import { send, starts } from './storm.ts';

const NATIVE = path.resolve(import.meta.dirname, '../../../native');

/** A scene is one (scene.ts). */
export interface FaultHouse {
  readonly lab: { readonly netns: Netns; readonly uplink: Netns };
  readonly radius: Pick<FreeRadius, 'start' | 'stop' | 'freeze' | 'thaw'>;
  readonly broker: Pick<Broker, 'start' | 'stop' | 'freeze' | 'thaw'>;
  readonly agent: Pick<Agent, 'start' | 'kill' | 'freeze' | 'thaw' | 'pid'>;
}

export interface Fault {
  readonly name: string;
  /** It is there when this returns. */
  begin(house: FaultHouse): Promise<void>;
  /** It is over when this returns; what it has done to the agent may not be. */
  end(house: FaultHouse): Promise<void>;
}

type Undo = () => unknown;

function fault(name: string, bringAbout: (house: FaultHouse) => Promise<Undo>): Fault {
  const undoings = new WeakMap<FaultHouse, Undo>();
  return {
    name,
    begin: async (house) => {
      undoings.set(house, await bringAbout(house));
    },
    end: async (house) => {
      const undo = undoings.get(house);
      undoings.delete(house);
      await undo?.();
    },
  };
}

// Servers.

export const RADIUS_REFUSES = fault(
  'the RADIUS server is gone: its ports answer with ICMP',
  async ({ radius }) => {
    await radius.stop();
    return () => radius.start();
  },
);

export const RADIUS_SILENT = fault('the RADIUS server hangs', async ({ radius }) => {
  radius.freeze();
  return () => radius.thaw();
});

export const BROKER_GONE = fault(
  'the broker is gone, and has forgotten when it is back',
  async ({ broker }) => {
    await broker.stop();
    return () => broker.start();
  },
);

export const BROKER_SILENT = fault('the broker hangs, its connections stand', async ({ broker }) => {
  broker.freeze();
  return () => broker.thaw();
});

// The agent's process.

export const AGENT_STALLED = fault('the agent stands still (SIGSTOP)', async ({ agent }) => {
  agent.freeze();
  return () => agent.thaw();
});

export const AGENT_KILLED = fault('the agent is killed (SIGKILL)', async ({ agent }) => {
  await agent.kill();
  return () => agent.start();
});

/** Not one more can be opened. */
export const NO_DESCRIPTORS = fault('the agent is out of file descriptors', async ({ agent }) => {
  const pid = `${agent.pid}`;
  const before = await must(['prlimit', '--pid', pid, '--nofile', '--output', 'SOFT', '--noheadings']);
  await must(['prlimit', '--pid', pid, `--nofile=${lowestFree(agent.pid)}:`]);
  // If it has not survived that, there is nothing to give back.
  return () => run(['prlimit', '--pid', pid, `--nofile=${before.trim()}:`]);
});

/** As much address space as it has, and not one page more. It ends with the next start. */
export const MEMORY_CEILING = fault('the agent is at its memory ceiling', async ({ agent }) => {
  const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
  const octets = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  await must(['prlimit', '--pid', `${agent.pid}`, `--as=${octets}:`]);
  return async () => {
    await agent.kill();
    await agent.start();
  };
});

function lowestFree(pid: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let lowest = 0;
  while (open.has(lowest)) lowest++;
  return lowest;
}

// The bridge, its ports and its notices.

/** `client`: the cable's other end. Up and down once in 100 ms. */
export function portFlaps(client: { readonly netns: Netns; readonly port: string }): Fault {
  return fault(`${client.port} flaps at 10 Hz`, async () => {
    // Its addresses stay: what flaps is the cable.
    await client.netns.setSysctl('net.ipv6.conf.eth0.keep_addr_on_down', 1);
    const flapping = client.netns.start({
      name: `flapping of ${client.port}`,
      argv: [
        'sh',
        '-c',
        'while :; do ip link set eth0 down; sleep 0.05; ip link set eth0 up; sleep 0.05; done',
      ],
    });
    return async () => {
      await flapping.stop();
      await client.netns.ip('link set eth0 up');
    };
  });
}

export const BRIDGE_GONE = fault('the bridge is deleted, and made anew', async ({ lab: { netns } }) => {
  const ports = JSON.parse(await netns.ip('-j link show master br0')) as readonly {
    readonly ifname: string;
  }[];
  const [{ addr_info: addresses = [], address } = {}] = JSON.parse(
    await netns.ip('-j addr show br0'),
  ) as readonly {
    readonly address: string;
    readonly addr_info: readonly {
      readonly local: string;
      readonly prefixlen: number;
      readonly scope: string;
    }[];
  }[];
  await netns.ip('link del br0');
  return async () => {
    await netns.ip(
      `link add br0 address ${address} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    );
    await netns.ip('link set br0 up');
    for (const { local, prefixlen, scope } of addresses)
      if (scope === 'global') await netns.ip(`addr replace ${local}/${prefixlen} dev br0`);
    for (const { ifname } of ports) await netns.ip(`link set ${ifname} master br0 up`);
  };
});

/** A port leaves the bridge, and joins it again. */
export function portRemoved(port: string): Fault {
  return fault(`${port} leaves the bridge`, async ({ lab: { netns } }) => {
    await netns.ip(`link set ${port} nomaster`);
    return () => netns.ip(`link set ${port} master br0`);
  });
}

/** Sends flat out: see its own head. */
export function floodProgram(): string {
  execFileSync('make', ['-s', '-C', NATIVE, 'build/flood'], { stdio: 'pipe' });
  return path.join(NATIVE, 'build/flood');
}

/** More changes of the table than the notices' buffer holds, while the agent stands still for some two seconds. */
export const NOTICES_LOST = fault('notices of the kernel are lost (ENOBUFS)', async ({ agent, lab }) => {
  const flood = floodProgram();
  agent.freeze();
  await lab.uplink.must([flood, 'eth0', '65536', '2']);
  agent.thaw();
  return () => lab.netns.must(['bridge', 'fdb', 'flush', 'dev', 'br0', 'dynamic']);
});

/** More frames to the agent than its capture's buffer holds, while it stands still for a moment. */
export function captureOverflows(client: { readonly netns: Netns; readonly port: string }): Fault {
  return fault(`the capture of ${client.port} overflows`, async ({ agent }) => {
    agent.freeze();
    try {
      await send(client, starts(CAPTURE_FRAMES, SEED), FRAMES_PER_SECOND);
      await sleep(100);
    } finally {
      agent.thaw();
    }
    return () => undefined;
  });
}

/** For a buffer of 64 KiB. */
const CAPTURE_FRAMES = 2000;
const FRAMES_PER_SECOND = 20_000;
const SEED = 6;

// What the state folder is on, in a house whose agent keeps it there (`state_dir: medium.path`).

export function mediumFull(medium: Medium): Fault {
  return fault('the disk is full', async () => {
    medium.fill();
    return () => medium.makeRoom();
  });
}

/** It ends with the agent's restart, since the medium has to be mounted anew. */
export function mediumReadOnly(medium: Medium): Fault {
  return fault('the disk has become read-only', async ({ agent }) => {
    medium.becomeReadOnly();
    return async () => {
      await agent.kill();
      medium.renew();
      await agent.start();
    };
  });
}

export function mediumHangs(medium: Medium): Fault {
  return fault('the disk hangs', async () => {
    medium.freeze();
    return () => medium.thaw();
  });
}

// The clock, in a house whose agent lives by it (`env: clock.env`).

export function clockSteps(clock: LabClock, hours: number): Fault {
  return fault(`the clock is stepped by ${hours} h`, async () => {
    clock.step(hours * HOUR_MS);
    return () => clock.step(-hours * HOUR_MS);
  });
}

const HOUR_MS = 3_600_000;
