// Accounting without loss, on the real path: agent, store, kernel, wire, FreeRADIUS' own log. Killed, dark, lossy.
//
//   ROLLCALL_DARK_S   how long the accounting server is dark in the blackout (default 60)
//   ROLLCALL_KILLS    how often the agent is killed in the loss test (default 50)
//   ROLLCALL_SEED     of the moments

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Clients } from '../bench/clients.ts';
import { Stage } from '../bench/stage.ts';
import { bySession, distinct, judge } from '../rigs/accounting-judge.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { accountingRow } from '../rigs/lab/accounting-row.ts';
import { Agent } from '../rigs/lab/agent.ts';
import { darken, lose } from '../rigs/lab/darkness.ts';
import { FreeRadius, RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import { loseTable } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import type { AccountingRow } from '../scenarios/stage.ts';

const DARK_S = Number(process.env.ROLLCALL_DARK_S ?? 60);
const KILLS = Number(process.env.ROLLCALL_KILLS ?? 50);
const SEED = Number(process.env.ROLLCALL_SEED ?? 11);
const PORTS = 8;
const ACCT_PORT = 2813;
const USER_REQUEST = 1;
const NAS_REBOOT = 11;

/** Authentication and accounting by servers of their own, so that one can be dark alone. */
const CONFIG: ConfigPart = {
  roles: { default: { handshake: 'off' } },
  dot1x: { quiet_period_s: 0 },
  radius: {
    servers: [{ address: '127.0.0.1', auth_port: 1812, acct_port: ACCT_PORT, secret: RADIUS_SECRET }],
    retransmission: { access: { irt_s: 1, mrt_s: 2 }, accounting: { irt_s: 1, mrt_s: 2 } },
    accounting: { spool: { evidence_s: 1 } },
  },
  mqtt: { embedded_port: 1884 },
};

interface Accounting {
  readonly pending: number;
  readonly oldest_s: number | null;
  readonly store: string;
  readonly store_octets: number;
}

/** Both times in seconds; `at`: when the server took it in, by its own clock. */
interface HeardRow extends AccountingRow {
  readonly at: number;
}

/** A switch of a test's own, its authentication and its accounting server. */
class Lab {
  private constructor(
    readonly stage: Stage,
    readonly accounting: FreeRadius,
    readonly agent: Agent,
  ) {}

  static async play(scenario: (lab: Lab) => Promise<void>): Promise<void> {
    const open: { close(): unknown }[] = [];
    try {
      const stage = await Stage.open(PORTS);
      open.unshift(stage);
      await stage.radius();
      const options = { users: [], authPort: 2812, acctPort: ACCT_PORT };
      const accounting = await FreeRadius.start(stage.netns, options);
      open.unshift(accounting);
      const agent = await Agent.start(stage.netns, CONFIG, ['mqtt', 'roles']);
      open.unshift(agent);
      await scenario(new Lab(stage, accounting, agent));
    } finally {
      for (const part of open) await part.close();
    }
  }

  heard(): readonly HeardRow[] {
    return this.accounting
      .accounting()
      .map((record) => ({ ...accountingRow(record), at: Number(record.Timestamp) }));
  }

  async status(): Promise<Accounting> {
    const { result } = (await this.agent.ask('status')) as {
      readonly result: { readonly accounting: Accounting };
    };
    return result.accounting;
  }

  async waiting(count: number, withinMs: number): Promise<void> {
    const reached = async (): Promise<boolean> => (await this.status()).pending === count;
    await until(`${count} records waiting`, reached, withinMs);
  }
}

/** Event-Timestamp and Acct-Delay-Time add up to the time of arrival: one second each is rounded away, one is the way. */
function expectDelays(rows: readonly HeardRow[]): void {
  for (const { at, eventS, delayS, ...row } of rows) {
    expect(
      Math.abs(at - eventS - delayS),
      JSON.stringify({ at, eventS, delayS, ...row }),
    ).toBeLessThanOrEqual(2);
  }
}

// Mostly they wait: they are played at the same time.
describe.concurrent('accounting without loss', () => {
  it(
    `blackout: 200 sessions end while the server is dark for ${DARK_S} s, the agent is killed in the middle and the table lost`,
    () =>
      Lab.play(async (lab) => {
        const { stage, agent } = lab;
        const clients = await Clients.logIn(stage, {
          first: 1,
          count: 200,
          window: 20,
          seconds: 30,
          ports: PORTS,
        });
        expect(clients.logins.in).toBe(200);
        await lab.waiting(0, 10_000);
        expect(distinct(lab.heard(), 'Start')).toHaveLength(200);
        expect(lab.heard().filter(({ status: kind }) => kind === 'Accounting-On')).toHaveLength(1);

        const light = await darken(stage.netns, 'udp', [ACCT_PORT]);
        const darkSince = Date.now();
        clients.logOff(100);
        await lab.waiting(100, 15_000);
        await sleep((DARK_S * 1000) / 2 - (Date.now() - darkSince));
        await agent.kill();
        await loseTable(stage.netns);
        await agent.start();
        await lab.waiting(200, 15_000);
        const before = await lab.status();
        expect(before).toMatchObject({ store: 'durable' });
        expect(before.oldest_s).toBeGreaterThan(DARK_S / 2 - 5);
        await sleep(DARK_S * 1000 - (Date.now() - darkSince));
        await light();
        await lab.waiting(0, 60_000);

        const rows = lab.heard();
        // A sentence a line: what is wrong is told where only one line of a failure is.
        expect(judge(rows).join('\n')).toBe('');
        expect(bySession(rows).size).toBe(200);
        expectDelays(rows);
        const stops = distinct(rows, 'Stop');
        const causes = (wanted: number) => stops.filter(({ terminateCause }) => terminateCause === wanted);
        expect(causes(USER_REQUEST)).toHaveLength(100);
        expect(causes(NAS_REBOOT)).toHaveLength(100);
        // Those that logged off waited all the time; those that were lost were last seen a second before the kill.
        for (const { delayS } of causes(USER_REQUEST)) expect(delayS).toBeGreaterThanOrEqual(DARK_S - 10);
        for (const { delayS } of causes(NAS_REBOOT)) expect(delayS).toBeGreaterThanOrEqual(DARK_S / 2 - 5);
        // Each session has its own Stop: nothing is left for an Accounting-On to close.
        expect(rows.filter(({ status: kind }) => kind === 'Accounting-On')).toHaveLength(1);
        await clients.close();
      }),
    DARK_S * 1000 + 120_000,
  );

  it(
    `loss: ${KILLS} kills at random moments, a server that comes and goes, 30 % of all packets lost`,
    () =>
      Lab.play(async (lab) => {
        const { stage, agent, accounting } = lab;
        const random = new SeededRandom(SEED);
        const clients = await Clients.logIn(stage, {
          first: 1,
          count: 120,
          window: 1,
          seconds: 0,
          ports: PORTS,
        });
        const mend = await lose(stage.netns, 30, [1812, ACCT_PORT]);
        clients.churn(1_500);
        let serverRuns = true;
        const coming = (async () => {
          while (serverRuns) {
            await sleep(2_000 + random.below(6_000));
            await accounting.stop();
            await sleep(500 + random.below(3_000));
            await accounting.start();
          }
        })();
        for (let kill = 1; kill <= KILLS; kill++) {
          await sleep(200 + random.below(2_600));
          await agent.kill();
          agent.launch();
        }
        await until('the last start', async () => (await agent.cli('status')).code === 0, 15_000);
        await sleep(3_000);
        serverRuns = false;
        await coming;
        await clients.rest();
        clients.logOff(120);
        await mend();
        await sleep(3_000);
        // Who was half-way in when the load rested is in for good: the next start ends it.
        await agent.stop();
        await loseTable(stage.netns);
        await agent.start();
        await lab.waiting(0, 60_000);

        // No kill damages the store, and no start takes it for damaged.
        expect(readdirSync(agent.stateDir).filter((name) => name.includes('set-aside'))).toEqual([]);
        const rows = lab.heard();
        // A sentence a line: what is wrong is told where only one line of a failure is.
        expect(judge(rows).join('\n')).toBe('');
        expectDelays(rows);
        const sessions = bySession(rows);
        // Enough that each kill meets some at every stage; how many there are is the machine's speed.
        expect(sessions.size).toBeGreaterThanOrEqual(8 * KILLS);
        const causes = new Set(distinct(rows, 'Stop').map(({ terminateCause }) => terminateCause));
        expect(causes).toContain(USER_REQUEST);
        expect(causes).toContain(NAS_REBOOT);
        for (const ofSession of sessions.values()) expectWholeTime(ofSession);
        await clients.close();
      }),
    KILLS * 4_000 + 120_000,
  );
});

/** From its Start to its Stop, over however many kills: each time is a whole second. */
function expectWholeTime(rows: readonly AccountingRow[]): void {
  const [start] = distinct(rows, 'Start');
  const [stop] = distinct(rows, 'Stop');
  if (start === undefined || stop === undefined) throw new Error('judged already');
  const off = Math.abs((stop.sessionTimeS ?? 0) - (stop.eventS - start.eventS));
  expect(off, JSON.stringify([start, stop])).toBeLessThanOrEqual(1);
}
