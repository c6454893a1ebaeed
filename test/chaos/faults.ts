// What goes wrong in a run of chaos: the lab's faults (rigs/lab/faults.ts) in their lanes, foreign hands in the bridge's table, and
// for each what it truly does to the sessions: which of them may end for it, and whether the agent runs meanwhile.

import { sever } from '../rigs/lab/darkness.ts';
import {
  AGENT_KILLED,
  AGENT_STALLED,
  BRIDGE_GONE,
  BROKER_GONE,
  BROKER_SILENT,
  captureOverflows,
  clockSteps,
  type Fault,
  MEMORY_CEILING,
  mediumFull,
  mediumHangs,
  mediumReadOnly,
  NO_DESCRIPTORS,
  NOTICES_LOST,
  portFlaps,
  portRemoved,
  RADIUS_REFUSES,
  RADIUS_SILENT,
} from '../rigs/lab/faults.ts';
import type { Netns } from '../rigs/lab/netns.ts';
import { sleep } from '../rigs/lab/process.ts';
import type { Scene } from '../rigs/lab/scene.ts';
import { send, starts } from '../rigs/lab/storm.ts';
import type { FaultKind, FaultTurn } from './plan.ts';
import { GRANTED_STRANGER, LEARNT_STRANGER, type Town } from './town.ts';

export interface ChaosFault extends FaultKind {
  /** The agent does not run from its beginning to its end, or for a while at its beginning or its end. */
  readonly pauses?: 'until its end' | 'at its beginning' | 'at its end';
  /** The agent is killed by it: what had just happened may be lost with it. */
  readonly kills?: true;
  /** What happens until it has ended is not on disk, and the agent that runs then knows nothing of it. */
  readonly forgets?: true;
  /** Sessions may end for it: on its port, or all; or all if no agent runs to see it, which then finds a table as after a boot. */
  readonly ends?: 'port' | 'all' | 'all if unseen';
  /** When it ends, ports join the bridge, which are open until the agent has locked them. */
  readonly joins?: true;
  make(town: Town, turn: FaultTurn): Pick<Fault, 'begin' | 'end'>;
}

const AHEAD_H = 3;
const BEHIND_H = -5;
export const CLOCK_STEPS_H: readonly number[] = [AHEAD_H, BEHIND_H];

const BRIEF = [0.2, 1] as const;
const LONG = [1, 4] as const;

/** The agent's process. */
const AGENT: readonly ChaosFault[] = [
  {
    name: 'agent killed',
    periods: [0.1, 2],
    weight: 3,
    pauses: 'until its end',
    kills: true,
    make: () => AGENT_KILLED,
  },
  { name: 'agent stopped', periods: [0.1, 2], weight: 2, pauses: 'until its end', make: () => AGENT_STOPPED },
  {
    name: 'agent stands still',
    periods: [0.2, 2],
    weight: 2,
    pauses: 'until its end',
    make: () => AGENT_STALLED,
  },
  { name: 'configuration reloaded', periods: BRIEF, make: () => RELOADED },
  { name: 'disk full', periods: LONG, make: ({ medium }) => mediumFull(medium) },
  { name: 'disk hangs', periods: BRIEF, make: ({ medium }) => mediumHangs(medium) },
  {
    name: 'disk read-only',
    periods: BRIEF,
    pauses: 'at its end',
    kills: true,
    forgets: true,
    make: ({ medium }) => mediumReadOnly(medium),
  },
  {
    name: 'memory ceiling',
    periods: BRIEF,
    pauses: 'until its end',
    kills: true,
    make: () => MEMORY_CEILING,
  },
  { name: 'no file descriptors', periods: LONG, make: () => NO_DESCRIPTORS },
  {
    name: 'capture overflows',
    periods: BRIEF,
    at: 'host',
    pauses: 'at its beginning',
    make: ({ scene }, { port }) => captureOverflows(scene.lab.client(port)),
  },
  { name: 'notices lost', periods: BRIEF, pauses: 'at its beginning', make: () => tolerant(NOTICES_LOST) },
];

/** What it talks to. */
const SERVERS: readonly ChaosFault[] = [
  { name: 'RADIUS server gone', periods: LONG, weight: 2, make: () => RADIUS_REFUSES },
  { name: 'RADIUS server hangs', periods: LONG, weight: 2, make: () => RADIUS_SILENT },
  { name: 'broker gone', periods: LONG, make: (town) => witnessed(town.scene, BROKER_GONE) },
  { name: 'broker hangs', periods: LONG, make: () => BROKER_SILENT },
  { name: 'clock 3 h ahead', periods: LONG, make: ({ clock }) => clockSteps(clock, AHEAD_H) },
  { name: 'clock 5 h behind', periods: LONG, make: ({ clock }) => clockSteps(clock, BEHIND_H) },
];

/** Its ports, and the bridge's table. */
const TABLE: readonly ChaosFault[] = [
  {
    name: 'cable flaps',
    periods: LONG,
    at: 'host',
    ends: 'port',
    make: ({ scene }, { port }) => portFlaps(scene.lab.client(port)),
  },
  { name: 'port down', periods: BRIEF, at: 'crowd', ends: 'port', make: (_, { port }) => portDown(port) },
  {
    name: 'port leaves the bridge',
    periods: BRIEF,
    at: 'crowd',
    ends: 'port',
    joins: true,
    make: (_, { port }) => portRemoved(`p${port}`),
  },
  {
    name: 'grants deleted by a stranger',
    periods: BRIEF,
    weight: 2,
    ends: 'all if unseen',
    make: () => GRANTS_DELETED,
  },
  {
    name: 'grant forged by a stranger',
    periods: BRIEF,
    at: 'crowd',
    weight: 2,
    make: (town, { port }) => forgery(town, port),
  },
  {
    name: 'EAPOL flood',
    periods: LONG,
    at: 'host',
    make: ({ scene }, { port }) => flood(scene.lab.client(port)),
  },
  { name: 'bridge deleted', periods: BRIEF, ends: 'all', joins: true, make: () => BRIDGE_GONE },
];

export const LANES: readonly (readonly ChaosFault[])[] = [AGENT, SERVERS, TABLE];

export function faultNamed(name: string): ChaosFault {
  const found = LANES.flat().find((fault) => fault.name === name);
  if (found === undefined) throw new Error(`no fault is called ${name}`);
  return found;
}

type Bringing = (scene: Scene) => Promise<() => unknown>;

function fault(bringAbout: Bringing): Pick<Fault, 'begin' | 'end'> {
  let undo: (() => unknown) | undefined;
  return {
    begin: async (scene) => {
      undo = await bringAbout(scene as Scene);
    },
    end: async () => {
      await undo?.();
      undo = undefined;
    },
  };
}

const AGENT_STOPPED = fault(async ({ agent }) => {
  await agent.stop();
  return () => agent.start();
});

/** Another log level, and back: nobody is touched. */
const RELOADED = fault(async ({ agent }) => {
  agent.signal('SIGHUP');
  return () => agent.signal('SIGHUP');
});

/** What it would clean up may be gone with the bridge. */
function tolerant({ begin, end }: Fault): Pick<Fault, 'begin' | 'end'> {
  return { begin, end: (house) => end(house).catch(() => undefined) };
}

/** A stranger's MAC as one that was let in, and as one that a frame has taught the bridge. */
function forgery({ forged }: Town, port: number): Pick<Fault, 'begin' | 'end'> {
  return fault(async ({ lab }) => {
    const write = async (mac: string, ...kind: readonly string[]): Promise<void> => {
      forged.push({ mac, at: Date.now() });
      // The port may not be the bridge's now.
      await lab.netns.run(['bridge', 'fdb', 'replace', mac, 'dev', `p${port}`, 'master', ...kind]);
    };
    await write(GRANTED_STRANGER, 'static', 'sticky');
    await write(LEARNT_STRANGER, 'dynamic');
    return () => undefined;
  });
}

/** As many as a stranger finds in the table at once. */
const STOLEN = 12;

const GRANTS_DELETED = fault(async ({ lab }) => {
  const grants = (await lab.fdb()).filter(
    ({ ifname, state }) => ifname.startsWith('p') && state === 'static',
  );
  const lines = grants.slice(0, STOLEN).map(({ mac, ifname }) => `fdb del ${mac} dev ${ifname} master\n`);
  // What is gone already is gone.
  if (lines.length > 0) await lab.netns.run(['bridge', '-force', '-batch', '-'], { input: lines.join('') });
  return () => undefined;
});

function portDown(port: number): Pick<Fault, 'begin' | 'end'> {
  return fault(async ({ lab }) => {
    await lab.setPort(`p${port}`, 'down');
    return () => lab.setPort(`p${port}`, 'up');
  });
}

const FLOOD_FRAMES = 4_000;
const FLOOD_PER_SECOND = 1_000;

function flood(client: { readonly netns: Netns }): Pick<Fault, 'begin' | 'end'> {
  return fault(async () => {
    const sending = send(client, starts(FLOOD_FRAMES, 1), FLOOD_PER_SECOND);
    sending.catch(() => undefined);
    // Its link may have been taken down under it.
    return () => sending.catch(() => undefined);
  });
}

/** The broker is back for the agent no sooner than the lab's own listener hears again. */
function witnessed(scene: Scene, { begin, end }: Fault): Pick<Fault, 'begin' | 'end'> {
  let mend: (() => Promise<void>) | undefined;
  return {
    begin: async (house) => {
      mend = await sever(scene.lab.netns, scene.broker.port);
      // What the broker has taken from the agent has reached the listener.
      await sleep(500);
      await begin(house);
    },
    end: async (house) => {
      await end(house);
      await scene.broker.hearAgain(scene.upstream);
      await mend?.();
    },
  };
}
