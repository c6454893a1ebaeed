// Who comes when and leaves how, and what goes wrong meanwhile: from a seed, and nothing else. The same seed, the same plan.
//
// Faults are in lanes, which go on side by side, so that any of one may meet any of another; of one lane there is one at a time.
// Times are milliseconds from the beginning. Lengths are in periods of T, so that a short run has as much in it as a long one.

import { SeededRandom } from '../rigs/seeded-random.ts';

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** All of them. */
  readonly clients: number;
  /** Of these, with a machine, a port and a wpa_supplicant of their own; the rest are the crowd. */
  readonly hosts: number;
  /** Ports of the crowd: p<hosts + 1> and on. */
  readonly crowdPorts: number;
  /** T. */
  readonly periodMs: number;
  /** (N + 1) * T and the slack. */
  readonly boundMs: number;
  /** What there is, by lane. */
  readonly lanes: readonly (readonly FaultKind[])[];
}

export interface FaultKind {
  readonly name: string;
  /** It lasts so many periods of T. */
  readonly periods: readonly [number, number];
  /** How often, against others of its lane; 1 if absent. */
  readonly weight?: number;
  /** It happens to one port, of these. */
  readonly at?: 'host' | 'crowd' | 'any';
}

export type Leaving = 'logoff' | 'vanish' | 'command' | 'disconnect' | 'unplug';

export interface Person {
  /** From 1; the hosts first. */
  readonly n: number;
  readonly port: number;
  readonly isHost: boolean;
  /** A frame of its own every so often; 0 = it says nothing but what it is asked. */
  readonly talksMs: number;
}

export interface Stay {
  readonly n: number;
  readonly from: number;
  /** Absent = to the end. */
  readonly to?: number;
  readonly leaving: Leaving;
}

export interface FaultTurn {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** One of a lane begins when the one before it is over. */
  readonly lane: number;
  /** 0 = it happens to no port. */
  readonly port: number;
}

export interface Plan {
  readonly people: readonly Person[];
  /** By their beginning. */
  readonly stays: readonly Stay[];
  readonly faults: readonly FaultTurn[];
}

/** Everybody has come by then. */
const ARRIVAL_SHARE = 0.2;

export function makePlan(options: PlanOptions): Plan {
  const random = new SeededRandom(options.seed);
  const people = Array.from({ length: options.clients }, (_, i) => person(i + 1, options, random));
  const stays = people
    .flatMap((each) => staysOf(each, options, random))
    .sort((a, b) => a.from - b.from || a.n - b.n);
  const faults = options.lanes
    .flatMap((lane, n) => faultsOf(lane, n, options, random))
    .sort((a, b) => a.from - b.from || a.name.localeCompare(b.name));
  return { people, stays, faults };
}

function person(n: number, { hosts, crowdPorts, periodMs }: PlanOptions, random: SeededRandom): Person {
  const isHost = n <= hosts;
  const port = isHost ? n : hosts + 1 + ((n - hosts - 1) % crowdPorts);
  const talks = !isHost && random.fraction() < 0.7;
  return { n, port, isHost, talksMs: talks ? Math.round(between(random, [0.2, 0.8]) * periodMs) : 0 };
}

function staysOf({ n, isHost }: Person, options: PlanOptions, random: SeededRandom): readonly Stay[] {
  const { durationMs, periodMs, boundMs } = options;
  const stays: Stay[] = [];
  let from = Math.round(random.fraction() * ARRIVAL_SHARE * durationMs);
  while (from < durationMs) {
    const leaving = leavingOf(isHost, random);
    const to = from + Math.round(between(random, [4, 24]) * periodMs);
    if (to >= durationMs) return [...stays, { n, from, leaving }];
    stays.push({ n, from, to, leaving });
    // Some are back before anybody can have noticed that they were gone.
    const isSoon = random.fraction() < 0.15;
    from =
      to +
      Math.round(
        isSoon ? between(random, [0.2, 1]) * periodMs : boundMs + between(random, [1, 6]) * periodMs,
      );
  }
  return stays;
}

function leavingOf(isHost: boolean, random: SeededRandom): Leaving {
  const ways: readonly Leaving[] = isHost
    ? ['logoff', 'vanish', 'command', 'disconnect', 'unplug']
    : ['logoff', 'vanish', 'vanish', 'command', 'disconnect'];
  return ways[random.below(ways.length)] as Leaving;
}

function faultsOf(
  lane: readonly FaultKind[],
  n: number,
  options: PlanOptions,
  random: SeededRandom,
): readonly FaultTurn[] {
  const { durationMs, periodMs } = options;
  const turns: FaultTurn[] = [];
  let from = Math.round(between(random, [1, 4]) * periodMs);
  let left: FaultKind[] = [];
  for (;;) {
    // Each of the lane comes before any comes again.
    if (left.length === 0)
      left = lane.flatMap((kind) => Array.from({ length: kind.weight ?? 1 }, () => kind));
    const [kind] = left.splice(random.below(left.length), 1);
    if (kind === undefined) return turns;
    const to = from + Math.round(between(random, kind.periods) * periodMs);
    if (to > durationMs) return turns;
    turns.push({ name: kind.name, lane: n, from, to, port: portOf(kind, options, random) });
    from = to + Math.round(between(random, [1, 3]) * periodMs);
  }
}

function portOf({ at }: FaultKind, { hosts, crowdPorts }: PlanOptions, random: SeededRandom): number {
  if (at === undefined) return 0;
  const [first, count] = {
    host: [1, hosts] as const,
    crowd: [hosts + 1, crowdPorts] as const,
    any: [1, hosts + crowdPorts] as const,
  }[at];
  return first + random.below(count);
}

function between(random: SeededRandom, [from, to]: readonly [number, number]): number {
  return from + random.fraction() * (to - from);
}
