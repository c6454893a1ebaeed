// A run of chaos, judged: what is as it should be passes, and each kind of breach is found.

import { describe, expect, it } from 'vitest';
import type { AccountingRow } from '../scenarios/stage.ts';
import { completed, type Evidence, judgeRun, type ToldSession, type TrueStay } from './verdict.ts';

const MAC = '02:c0:00:00:00:01';
const PORT = 'p17';
const T = 5_000;
const BOUND = 21_000;

const stay = (change: Partial<TrueStay> = {}): TrueStay => ({
  mac: MAC,
  port: PORT,
  how: 'vanish',
  from: 1_000,
  ...change,
});
const session = (
  end?: Partial<NonNullable<ToldSession['end']>>,
  id = 's1',
  started = 2_000,
): ToldSession => ({
  id,
  mac: MAC,
  port: PORT,
  started,
  ...(end === undefined
    ? {}
    : {
        end: {
          decided: 100_000,
          told: end.decided ?? 100_000,
          revoked: (end.decided ?? 100_000) + 10,
          cause: 'handshake-timeout',
          ...end,
        },
      }),
});
const row = (status: AccountingRow['status'], eventS: number): AccountingRow => ({
  status,
  sessionId: 's1',
  userName: 'u1',
  eventS,
  delayS: 0,
});
const ROWS = [row('Start', 2), row('Stop', 100)];

const judge = (change: Partial<Evidence>) =>
  judgeRun({
    periodMs: T,
    times: 3,
    boundMs: BOUND,
    stays: [stay({ asked: 82_000, left: 82_000 })],
    disturbances: [],
    pauses: [],
    kills: [],
    joinings: [],
    unwritten: [],
    guards: [],
    sessions: [session({})],
    rows: ROWS,
    passed: [],
    events: [],
    forged: [],
    over: 500_000,
    ...change,
  });

const CLEAN = {
  falseLogouts: [],
  unaddressed: [],
  missedLogouts: [],
  lostRecords: [],
  forgotten: [],
  unwritten: [],
  doubledRecords: [],
  lostEvents: [],
  trespasses: [],
  untold: [],
  beforeLockMs: [],
};

describe('somebody vanishes, and is out in time', () => {
  it('that is as it should be, and its time is told', () =>
    expect(judge({})).toEqual({ ...CLEAN, vanishedMs: [18_000] }));

  it('who did not leave was put out without a reason', () => {
    expect(judge({ stays: [stay()] }).falseLogouts).toEqual([expect.stringContaining('handshake-timeout')]);
  });

  it('so was who left only later', () => {
    expect(judge({ stays: [stay({ asked: 101_000, left: 101_000 })] }).falseLogouts).toHaveLength(1);
  });

  it('and who was back for long', () => {
    const stays = [stay({ asked: 50_000, left: 50_000 }), stay({ from: 60_000 })];
    expect(judge({ stays }).falseLogouts).toHaveLength(1);
  });

  it('who says nothing, and had no address to be asked by, is counted apart', () => {
    const sessions = [{ ...session({}), isAddressed: false }];
    const quiet = judge({ sessions, stays: [stay({ talks: false })] });
    expect([quiet.falseLogouts.length, quiet.unaddressed.length]).toEqual([0, 1]);
    expect(judge({ sessions, stays: [stay({ talks: true })] }).falseLogouts).toHaveLength(1);
    expect(judge({ stays: [stay({ talks: false })] }).falseLogouts).toHaveLength(1);
  });

  it('a port that was down is a reason, on that port alone', () => {
    const down = { name: 'port down', from: 99_000, to: 99_500 };
    expect(judge({ stays: [stay()], disturbances: [{ ...down, port: PORT }] }).falseLogouts).toEqual([]);
    expect(judge({ stays: [stay()], disturbances: [{ ...down, port: 'p1' }] }).falseLogouts).toHaveLength(1);
  });

  it('grants that were deleted are one where no agent saw it', () => {
    const disturbances = [{ name: 'grants deleted', port: '', from: 98_000, to: 98_500, ifUnseen: true }];
    const stays = [stay()];
    expect(judge({ stays, disturbances }).falseLogouts).toHaveLength(1);
    const pauses = [{ from: 99_000, to: 99_500 }];
    expect(judge({ stays, disturbances, pauses }).falseLogouts).toEqual([]);
  });

  it('what happened while no agent ran is found when one does, and dated back', () => {
    const disturbances = [{ name: 'port down', port: PORT, from: 101_000, to: 102_000 }];
    const sessions = [session({ decided: 99_000, told: 130_000 })];
    const stays = [stay()];
    expect(judge({ stays, sessions, disturbances }).falseLogouts).toHaveLength(0);
    expect(judge({ stays, sessions, disturbances: [] }).falseLogouts).toHaveLength(1);
  });
});

describe('a session outlives its user', () => {
  it('by more than it may', () => {
    expect(judge({ sessions: [session({ decided: 103_001 })] }).missedLogouts).toEqual([
      expect.stringContaining('ended 21001 ms later'),
    ]);
    expect(judge({ sessions: [session({ decided: 103_000 })] }).missedLogouts).toEqual([]);
  });

  it('for ever', () => {
    expect(judge({ sessions: [session()] }).missedLogouts).toEqual([expect.stringContaining('never ended')]);
  });

  it('but its user is back', () => {
    const stays = [stay({ asked: 82_000, left: 82_000 }), stay({ from: 84_000 })];
    expect(judge({ stays, sessions: [session()] }).missedLogouts).toEqual([]);
  });

  it('an agent that did not run counts anew: one period, and the whole bound', () => {
    const pauses = [{ from: 85_000, to: 95_000 }];
    expect(judge({ pauses, sessions: [session({ decided: 121_000 })] }).missedLogouts).toEqual([]);
    expect(judge({ pauses, sessions: [session({ decided: 121_001 })] }).missedLogouts).toHaveLength(1);
  });

  it('the guard gives one round more', () => {
    const guards = [90_000];
    expect(judge({ guards, sessions: [session({ decided: 118_000 })] }).missedLogouts).toEqual([]);
    expect(judge({ guards, sessions: [session({ decided: 118_001 })] }).missedLogouts).toHaveLength(1);
  });
});

describe('records', () => {
  it('that no server has are lost, of a session that the switch told of or one that the server knows', () => {
    expect(judge({ rows: [] }).lostRecords).toEqual(['session s1 has no Start', 'session s1 has no Stop']);
    expect(judge({ rows: [row('Start', 2)], sessions: [] }).lostRecords).toEqual(['session s1 has no Stop']);
  });

  it('of a session that a kill met in its first moments there are none at all, which is counted apart', () => {
    const young = { rows: [], sessions: [session()] };
    expect(judge({ ...young, kills: [{ from: 3_500, to: 9_000 }] }).forgotten).toEqual(['session s1']);
    expect(judge({ ...young, kills: [{ from: 4_500, to: 9_000 }] }).lostRecords).toHaveLength(2);
    // It is all or nothing.
    const half = { rows: [row('Start', 2)], sessions: [session()], kills: [{ from: 3_500, to: 9_000 }] };
    expect(judge(half).lostRecords).toEqual(['session s1 has no Stop']);
  });

  it('of a session that began or ended while no disk took anything are counted apart, and of no other', () => {
    const halves = { rows: [row('Start', 2)], sessions: [session()] };
    const began = judge({ ...halves, unwritten: [{ from: 3_500, to: 9_000 }] });
    expect([began.unwritten, began.lostRecords]).toEqual([['session s1 has no Stop'], []]);
    // Nor has it an end to be told of.
    expect(began.missedLogouts).toEqual([]);
    const twice = { rows: [...ROWS, row('Stop', 140)] };
    const ended = judge({ ...twice, unwritten: [{ from: 99_000, to: 120_000 }] });
    expect([ended.unwritten, ended.doubledRecords]).toEqual([['session s1 has 2 of Stop'], []]);
    const other = judge({ ...twice, unwritten: [{ from: 20_000, to: 90_000 }] });
    expect([other.unwritten, other.doubledRecords]).toEqual([[], ['session s1 has 2 of Stop']]);
  });

  it('are not excused by what else fell into that time', () => {
    const unwritten = [{ from: 40_000, to: 60_000 }];
    const interim = { rows: [row('Start', 2), row('Interim-Update', 50)], sessions: [session()] };
    expect(judge({ ...interim, unwritten }).lostRecords).toEqual(['session s1 has no Stop']);
    // Its Start was written long before its end.
    const noStart = { rows: [row('Stop', 100)], unwritten: [{ from: 99_000, to: 120_000 }] };
    expect(judge(noStart).lostRecords).toEqual(['session s1 has no Start']);
    const twice = { rows: [row('Start', 2), row('Start', 4), row('Stop', 100)] };
    expect(judge({ ...twice, unwritten: [{ from: 1_000, to: 9_000 }] }).doubledRecords).toEqual([
      'session s1 has 2 of Start',
    ]);
  });

  it('that differ are two; one that was sent again is one', () => {
    expect(judge({ rows: [...ROWS, row('Stop', 101)] }).doubledRecords).toEqual(['session s1 has 2 of Stop']);
    expect(judge({ rows: [...ROWS, { ...row('Stop', 100), delayS: 5 }] }).doubledRecords).toEqual([]);
  });
});

describe('events', () => {
  const arrive = (...events: readonly string[]) =>
    judge({
      events: events.map((each) => ({ boot: each.slice(0, 1), seq: Number(each.slice(1)) })),
    }).lostEvents;

  it('arrive life by life, and repeats are none', () => {
    expect(arrive('a1', 'a2', 'a1', 'a2', 'a3', 'b1', 'a3', 'b2')).toEqual([]);
  });

  it('that did not arrive are missed, the first of a life, too', () => {
    expect(arrive('a1', 'a4', 'b2')).toEqual(['a 2 to 3 did not arrive', 'b 1 to 1 did not arrive']);
  });

  it('of an end were not told where its record alone tells it, but by a life that was killed just then', () => {
    const end = { decided: 100_000, told: 101_000, revoked: 101_000, cause: 'by its Stop' };
    const untold = { sessions: [session(end)] };
    expect(judge(untold).lostEvents).toEqual([expect.stringContaining('end of session s1')]);
    expect(judge({ ...untold, kills: [{ from: 101_500, to: 110_000 }] }).lostEvents).toEqual([]);
    expect(judge({ ...untold, kills: [{ from: 104_000, to: 110_000 }] }).lostEvents).toHaveLength(1);
  });

  it('that arrive after those of a later life are out of order', () => {
    expect(arrive('a1', 'b1', 'a2')).toEqual(['a 2 arrived after those of a later life']);
  });
});

describe('a session whose events were lost with an agent', () => {
  const known = new Map([['s1', { mac: MAC, port: PORT }]]);

  it('is known by its records', () => {
    const end = { decided: 100_000, told: 101_000, revoked: 101_000, cause: 'by its Stop' };
    expect(completed([session()], ROWS, known)).toEqual([{ ...session(), end }]);
    expect(completed([], ROWS, known)).toEqual([{ ...session(), end }]);
  });

  it('what events told of is left as it is', () => {
    expect(completed([session({})], ROWS, known)).toEqual([session({})]);
    expect(completed([session({})], [], known)).toEqual([session({})]);
  });
});

describe('frames', () => {
  const at = (...times: readonly number[]) => ({ passed: times.map((when) => ({ at: when, mac: MAC })) });

  it('that pass in a session are its own; before and after it they trespass', () => {
    expect(judge(at(2_000, 50_000, 100_010)).trespasses).toEqual([]);
    expect(judge(at(1_000, 101_000)).trespasses).toHaveLength(2);
  });

  it('by an entry that a foreign hand wrote pass until it is found', () => {
    const forged = [{ mac: MAC, at: 200_000 }];
    expect(judge({ ...at(201_000, 210_000), forged }).trespasses).toHaveLength(1);
  });

  it('of a session that is forgotten pass until the next agent runs, and not for ever', () => {
    const forgotten = { sessions: [session()], ...at(5_000, 11_999, 12_001) };
    expect(judge({ ...forgotten, kills: [{ from: 3_500, to: 9_000 }] }).trespasses).toHaveLength(1);
    expect(judge({ ...forgotten, unwritten: [{ from: 3_500, to: 9_000 }] }).trespasses).toHaveLength(1);
    expect(judge({ ...forgotten, kills: [{ from: 50_000, to: 60_000 }] }).trespasses).toEqual([]);
  });

  it('of a user who is there and whom an agent let in that was killed before it could tell are counted apart', () => {
    const killed = { ...at(199_000, 205_000), kills: [{ from: 200_000, to: 210_000 }] };
    const there = [stay({ from: 198_000 })];
    const verdict = judge({ ...killed, stays: there });
    expect([verdict.untold.length, verdict.trespasses]).toEqual([2, []]);
    // Not of who is not there, nor long before a kill.
    expect(judge(killed).trespasses).toHaveLength(2);
    expect(judge({ ...killed, ...at(196_000, 211_000), stays: there }).trespasses).toHaveLength(2);
  });

  it('through a port that has just joined are counted apart', () => {
    const verdict = judge({ ...at(200_050, 210_000), joinings: [{ from: 199_000, to: 200_000 }] });
    expect(verdict.beforeLockMs).toEqual([50]);
    expect(verdict.trespasses).toHaveLength(1);
  });
});
