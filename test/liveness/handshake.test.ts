import { describe, expect, it } from 'vitest';
import { instant, NEVER, seconds } from '../../src/base/time.ts';
import { Handshake } from '../../src/liveness/handshake.ts';
import { HANDSHAKE_DEFAULTS } from '../../src/liveness/settings.ts';
import { HANDSHAKE_TIMES_MAX } from '../../src/model/probe.ts';
import { HandshakeRig } from './handshake-rig.ts';

// T = 10 s; a dump comes 20 ms after it is asked for.
describe('a client that falls silent', () => {
  it('at once: the timer runs from the login, two probes, out after the third period', () => {
    const rig = new HandshakeRig().run(100_000);
    expect(rig.probes).toEqual(['1@10.02', '2@20.02']);
    expect(rig.endedAt).toBe(30_020);
  });

  it.each([
    [1, [], 10_020],
    [2, ['1@10.02'], 20_020],
    [3, ['1@10.02', '2@20.02'], 30_020],
    [5, ['1@10.02', '2@20.02', '3@30.02', '4@40.02'], 50_020],
  ])('with N = %i gets N-1 probes', (times, probes, endedAt) => {
    const rig = new HandshakeRig({ times }).run(100_000);
    expect(rig.probes).toEqual(probes);
    expect(rig.endedAt).toBe(endedAt);
  });

  it.each([
    // last frame, end of session: between N*T and (N+1)*T later, plus the dump
    [10_001, 50_020],
    [15_000, 50_020],
    [20_000, 50_020],
    [20_001, 60_020],
  ])('last frame at %i ms, out at %i ms', (lastFrame, endedAt) => {
    const rig = new HandshakeRig().run(lastFrame);
    rig.frame();
    rig.run(100_000);
    expect(rig.endedAt).toBe(endedAt);
  });

  it('says what the verdict rests on', () => {
    const rig = new HandshakeRig().run(4_000);
    rig.frame('dhcp');
    rig.run(100_000);
    expect(rig.log.at(-1)?.effect).toEqual({
      type: 'silent',
      extended: false,
      evidence: { lastSeen: 4_000, lastSeenBy: 'dhcp', probesSent: 2, probesAnswered: 0 },
    });
    expect(rig.times('silent')).toHaveLength(1);
    expect(rig.machine.pollAt()).toBe(NEVER);
  });

  it('asks for a dump at once for the verdict, and can wait for the routine one before', () => {
    const rig = new HandshakeRig().run(100_000);
    const sweeps = rig.log.flatMap(({ at, effect }) =>
      effect.type === 'sweep-needed' ? [[at, effect.urgent]] : [],
    );
    expect(sweeps).toEqual([
      [10_000, false],
      [20_000, false],
      [30_000, true],
    ]);
  });
});

describe('evidence', () => {
  it('within a period puts the silent count back to 0 at its end', () => {
    const rig = new HandshakeRig().run(25_000);
    expect(rig.machine.view().silentPeriods).toBe(2);
    rig.frame();
    rig.run(30_000);
    expect(rig.machine.view().silentPeriods).toBe(0);
    rig.run(100_000);
    expect(rig.probes).toEqual(['1@10.02', '2@20.02', '1@40.02', '2@50.02']);
    expect(rig.endedAt).toBe(60_020);
  });

  it('an answer counts for the period in which it arrives: the session stays for ever', () => {
    const rig = new HandshakeRig();
    rig.answersAfter = 5;
    rig.run(600_000);
    expect(rig.endedAt).toBeUndefined();
    expect(rig.probes.every((probe) => probe.startsWith('1@'))).toBe(true);
    expect(rig.machine.view()).toMatchObject({ probesSent: 30, probesAnswered: 30 });
  });

  it('a client that sends is never probed, though only the table sees it', () => {
    const rig = new HandshakeRig();
    for (let at = 9_000; at < 300_000; at += 9_000) {
      rig.run(at);
      rig.forwarded();
    }
    expect(rig.probes).toEqual([]);
  });

  it('just before the end of a period, which only a dump after it can tell, saves a probe', () => {
    const rig = new HandshakeRig().run(9_990);
    rig.forwarded();
    rig.run(21_000);
    expect(rig.probes).toEqual(['1@20.02']);
  });

  it('between the Nth end and the dump saves the session', () => {
    const rig = new HandshakeRig();
    rig.sweepDelay = 500;
    rig.run(30_200);
    rig.forwarded();
    rig.run(69_000);
    expect(rig.endedAt).toBeUndefined();
    rig.run(100_000);
    expect(rig.endedAt).toBe(70_500);
  });

  it('of an earlier period that comes late counts for that period', () => {
    const rig = new HandshakeRig().run(20_500);
    expect(rig.machine.view().silentPeriods).toBe(2);
    rig.machine.evidence(instant(8_000), 'fdb');
    rig.run(100_000);
    expect(rig.probes).toEqual(['1@10.02', '2@20.02', '2@30.02']);
    expect(rig.endedAt).toBe(40_020);
  });

  it('older than what is known changes nothing', () => {
    const rig = new HandshakeRig().run(5_000);
    rig.frame('nd');
    rig.machine.evidence(instant(4_000), 'fdb');
    expect(rig.machine.view()).toMatchObject({ lastSeen: 5_000, lastSeenBy: 'nd' });
  });

  it('tells whether a silent client came back', () => {
    const rig = new HandshakeRig().run(25_000);
    expect(rig.machine.unheard).toBe(true);
    rig.machine.evidence(instant(24_000), 'fdb');
    expect(rig.machine.unheard).toBe(false);
  });

  it('counts a probe as answered by ARP or ND only, once, though the table told of it before', () => {
    const rig = new HandshakeRig().run(10_500);
    rig.machine.evidence(instant(10_400), 'fdb');
    expect(rig.machine.view().probesAnswered).toBe(0);
    rig.machine.evidence(instant(10_300), 'nd');
    rig.machine.evidence(instant(10_350), 'arp');
    expect(rig.machine.view().probesAnswered).toBe(1);
  });
});

describe('a withheld probe', () => {
  it('keeps its period from counting as silent, however often', () => {
    const rig = new HandshakeRig();
    rig.withhold = true;
    rig.run(1_005_000);
    expect(rig.endedAt).toBeUndefined();
    expect(rig.machine.view().probesSent).toBe(0);
    rig.withhold = false;
    rig.run(2_000_000);
    expect(rig.probes.slice(-2)).toEqual(['1@1010.02', '2@1020.02']);
    expect(rig.endedAt).toBe(1_030_020);
  });

  it('between two that were sent delays the end by its period', () => {
    const rig = new HandshakeRig().run(15_000);
    rig.withhold = true;
    rig.run(25_000);
    rig.withhold = false;
    rig.run(100_000);
    expect(rig.probes).toEqual(['1@10.02', '2@20.02', '2@30.02']);
    expect(rig.endedAt).toBe(40_020);
  });
});

describe('T = 0', () => {
  it('never polls, probes or judges, and still knows when the client was seen', () => {
    const rig = new HandshakeRig({ period: seconds(0) }).run(1_000_000);
    rig.frame();
    expect(rig.machine.pollAt()).toBe(NEVER);
    expect(rig.log).toEqual([]);
    expect(rig.machine.view()).toMatchObject({ state: 'off', lastSeen: 1_000_000, deadline: NEVER });
  });
});

describe('settings changed at run time', () => {
  it('a shorter period counts from now on: a long quiet client is not logged out for its past', () => {
    const rig = new HandshakeRig({ period: seconds(60) }).run(125_000);
    rig.adopt({ period: seconds(2) });
    rig.run(200_000);
    expect(rig.probes.slice(2)).toEqual(['1@128.02', '2@130.02']);
    expect(rig.endedAt).toBe(132_020);
  });

  it('switched on, it begins now; switched off, it stops', () => {
    const rig = new HandshakeRig({ period: seconds(0) }).run(1_003_000);
    rig.adopt({ period: seconds(10) });
    rig.run(1_025_000);
    expect(rig.probes).toEqual(['1@1020.02']);
    rig.adopt({ period: seconds(0) });
    rig.run(9_000_000);
    expect(rig.probes).toHaveLength(1);
    expect(rig.endedAt).toBeUndefined();
  });

  it('keeps the phases spread when many sessions get a new period at once', () => {
    const ends = [0, 1_000, 2_500, 4_000].map((start) => {
      const rig = new HandshakeRig({ period: seconds(60) }, start).run(125_000);
      rig.adopt({ period: seconds(5) });
      return rig.machine.pollAt();
    });
    expect(new Set(ends).size).toBe(4);
    for (const end of ends) expect(end).toBeGreaterThanOrEqual(130_000);
  });

  it('more times let a silent client stay longer; fewer end it at the next silent end, not before', () => {
    const longer = new HandshakeRig().run(25_000);
    longer.adopt({ times: 5 });
    longer.run(100_000);
    expect(longer.endedAt).toBe(50_020);
    const shorter = new HandshakeRig({ times: 5 }).run(25_000);
    shorter.adopt({ times: 2 });
    shorter.run(100_000);
    expect(shorter.endedAt).toBe(30_020);
  });

  it.each([1, 31, HANDSHAKE_TIMES_MAX])(
    'of N = %i end a client that is silent for so many periods',
    (times) => {
      const rig = new HandshakeRig({ times }).run(1_000_000);
      expect([rig.endedAt, rig.probes.length]).toEqual([times * 10_000 + 20, times - 1]);
    },
  );

  it('that are the same change nothing', () => {
    const rig = new HandshakeRig().run(25_000);
    rig.adopt({});
    rig.run(100_000);
    expect(rig.endedAt).toBe(30_020);
  });
});

describe('keep', () => {
  it('is probed and counted, and never cut', () => {
    const rig = new HandshakeRig({ keep: true }).run(1_000_000);
    expect(rig.times('silent')).toEqual([]);
    expect(rig.probes).toHaveLength(99);
    expect(rig.machine.view()).toMatchObject({ deadline: NEVER, probesSent: 99 });
  });
});

describe('wake', () => {
  it('probes in the middle of a silent period too, without a change of the rule', () => {
    const rig = new HandshakeRig({ wake: true }).run(100_000);
    expect(rig.probes).toEqual(['0@5', '1@10.02', '0@15', '2@20.02', '0@25']);
    expect(rig.endedAt).toBe(30_020);
  });

  it('leaves a client alone that was heard in this period', () => {
    const rig = new HandshakeRig({ wake: true }).run(3_000);
    rig.frame();
    rig.run(12_000);
    expect(rig.probes).toEqual([]);
  });

  it('a withheld early probe costs no period', () => {
    const rig = new HandshakeRig({ wake: true }).run(14_000);
    rig.withhold = true;
    rig.run(16_000);
    rig.withhold = false;
    rig.run(100_000);
    expect(rig.endedAt).toBe(30_020);
  });
});

describe('the agent was stalled', () => {
  it('for several periods: those do not count, for nobody was there to probe', () => {
    const rig = new HandshakeRig().run(15_000);
    rig.now = 58_000;
    rig.sweep();
    rig.run(100_000);
    expect(rig.probes).toEqual(['1@10.02', '2@58']);
    expect(rig.endedAt).toBe(60_020);
  });

  it('for less than a period: the late end is judged', () => {
    const rig = new HandshakeRig().run(15_000);
    rig.now = 26_000;
    rig.sweep();
    expect(rig.probes).toEqual(['1@10.02', '2@26']);
  });
});

describe("the guard's extra round", () => {
  it('counts N periods once more and says so in the second verdict', () => {
    const rig = new HandshakeRig().run(31_000);
    rig.machine.handle({ type: 'extra-round' }, instant(31_000));
    expect(rig.machine.extended).toBe(true);
    rig.run(100_000);
    expect(rig.probes.slice(2)).toEqual(['1@40.02', '2@50.02']);
    expect(rig.times('silent')).toEqual([30_020, 60_020]);
    expect(rig.log.at(-1)?.effect).toMatchObject({ type: 'silent', extended: true });
  });

  it('is forgotten once the client is heard', () => {
    const rig = new HandshakeRig().run(31_000);
    rig.machine.handle({ type: 'extra-round' }, instant(31_000));
    rig.run(35_000);
    rig.frame();
    rig.run(100_000);
    expect(rig.machine.extended).toBe(false);
    expect(rig.log.at(-1)?.effect).toMatchObject({ type: 'silent', extended: false });
  });
});

describe('the view', () => {
  it('foretells the end, whatever has been heard so far', () => {
    const rig = new HandshakeRig();
    const deadlines: number[] = [];
    for (const at of [1_000, 11_000, 21_000]) deadlines.push(rig.run(at).machine.view().deadline);
    rig.frame();
    deadlines.push(rig.machine.view().deadline);
    expect(deadlines).toEqual([30_000, 30_000, 30_000, 60_000]);
    rig.run(100_000);
    expect(rig.endedAt).toBe(60_020);
  });

  it('a login between two milliseconds has exact periods', () => {
    const machine = new Handshake(HANDSHAKE_DEFAULTS, instant(123_456_789.123_4));
    expect(machine.pollAt()).toBe(123_471_790);
  });
});
