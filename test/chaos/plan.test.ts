// The plan of a run of chaos: a seed gives one plan, and each plan has in it what a run is for.

import { describe, expect, it } from 'vitest';
import { makePlan, type PlanOptions } from './plan.ts';

const OPTIONS: PlanOptions = {
  seed: 1,
  durationMs: 20 * 60_000,
  clients: 200,
  hosts: 16,
  crowdPorts: 24,
  periodMs: 5_000,
  boundMs: 21_500,
  lanes: [
    [
      { name: 'killed', periods: [0.1, 2] },
      { name: 'stalled', periods: [0.2, 2], weight: 2 },
    ],
    [
      { name: 'flaps', periods: [1, 4], at: 'host' },
      { name: 'leaves', periods: [0.2, 1], at: 'crowd' },
    ],
  ],
};

describe('a plan', () => {
  const plan = makePlan(OPTIONS);

  it('is the same for the same seed, and another for another', () => {
    expect(makePlan(OPTIONS)).toEqual(plan);
    expect(makePlan({ ...OPTIONS, seed: 2 }).stays).not.toEqual(plan.stays);
  });

  it('brings everybody at least once, hosts on ports of their own, and lets nobody be in twice', () => {
    expect(new Set(plan.stays.map(({ n }) => n)).size).toBe(OPTIONS.clients);
    const hosts = plan.people.filter(({ isHost }) => isHost);
    expect(hosts.map(({ port }) => port)).toEqual(Array.from({ length: OPTIONS.hosts }, (_, i) => i + 1));
    for (const { port } of plan.people.filter(({ isHost }) => !isHost)) {
      expect(port).toBeGreaterThan(OPTIONS.hosts);
      expect(port).toBeLessThanOrEqual(OPTIONS.hosts + OPTIONS.crowdPorts);
    }
    for (const { n } of plan.people) {
      const own = plan.stays.filter((stay) => stay.n === n);
      own.forEach(({ from, to }, i) => {
        expect(to ?? OPTIONS.durationMs).toBeGreaterThan(from);
        expect(own[i + 1]?.from ?? Number.POSITIVE_INFINITY).toBeGreaterThan(to ?? OPTIONS.durationMs);
      });
    }
  });

  it('has each way of leaving, some who are back soon, and some who stay to the end', () => {
    expect(new Set(plan.stays.map(({ leaving }) => leaving))).toEqual(
      new Set(['logoff', 'vanish', 'command', 'disconnect', 'unplug']),
    );
    expect(plan.stays.some(({ to }) => to === undefined)).toBe(true);
    // Only who has a cable of their own can pull it.
    for (const { n, leaving } of plan.stays)
      if (leaving === 'unplug') expect(n).toBeLessThanOrEqual(OPTIONS.hosts);
  });

  it('has each fault, one of a lane at a time, all over before its end', () => {
    expect(new Set(plan.faults.map(({ name }) => name))).toEqual(
      new Set(['killed', 'stalled', 'flaps', 'leaves']),
    );
    for (const lane of [0, 1]) {
      const turns = plan.faults.filter((turn) => turn.lane === lane);
      turns.forEach(({ to }, i) => {
        expect(to).toBeLessThanOrEqual(OPTIONS.durationMs);
        expect(turns[i + 1]?.from ?? Number.POSITIVE_INFINITY).toBeGreaterThan(to);
      });
    }
    for (const { name, port } of plan.faults) {
      if (name === 'flaps') expect(port).toBeLessThanOrEqual(OPTIONS.hosts);
      if (name === 'leaves') expect(port).toBeGreaterThan(OPTIONS.hosts);
      if (name === 'killed') expect(port).toBe(0);
    }
  });
});
