// The agent is stopped, killed and started again under people who are at work: nobody notices, not the clients, not the
// RADIUS servers, not the broker, and the kernel's table is not touched.

import { truncateSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigPart } from '../rigs/config-part.ts';
import { accountingRow } from '../rigs/lab/accounting-row.ts';
import { ping } from '../rigs/lab/client.ts';
import { type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { Pinging } from '../rigs/lab/pinging.ts';
import type { LabProcess } from '../rigs/lab/process.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';
import type { AccountingRow } from '../scenarios/stage.ts';

/** What a restart is given to do harm: more than N periods of T. */
const AFTER_MS = 10_000;

/** What the server has said of who proved themselves. */
function logins({ radius }: Scene): readonly string[] {
  return radius.output.split('\n').filter((line) => /Login (OK|incorrect)/.test(line));
}

/** Everything that must not notice, watched. */
class Watched {
  private constructor(
    private readonly scene: Scene,
    private readonly table: LabProcess,
    private readonly pings: readonly Pinging[],
    private readonly heard: number,
    private readonly rows: number,
    private readonly auths: number,
  ) {}

  static async begin(scene: Scene, clients: readonly SwitchClient[]): Promise<Watched> {
    const { lab, upstream, radius } = scene;
    const table = lab.netns.start({
      name: 'bridge monitor',
      argv: ['stdbuf', '-oL', 'bridge', 'monitor', 'fdb'],
    });
    const pings = clients.map(({ netns }) => new Pinging(netns, UPLINK_IPV4));
    await sleep(300);
    return new Watched(
      scene,
      table,
      pings,
      upstream.messages.length,
      radius.accounting().length,
      logins(scene).length,
    );
  }

  /** Of the client's entry, as `bridge monitor` tells of it: `Deleted ...` or a new one. */
  tableNotices(client: SwitchClient): readonly string[] {
    return this.table.lines.filter((line) => line.includes(client.mac));
  }

  /** Pings that were not answered, of each client. */
  lost(): Promise<readonly number[]> {
    return Promise.all(this.pings.map((ping) => ping.lost()));
  }

  said(topic: string): readonly string[] {
    return this.scene.upstream.messages
      .slice(this.heard)
      .filter((message) => message.topic === `${TOPIC_BASE}/${topic}`)
      .map(({ payload }) => payload);
  }

  get accounting(): readonly AccountingRow[] {
    return this.scene.radius.accounting().slice(this.rows).map(accountingRow);
  }

  get logins(): number {
    return logins(this.scene).length - this.auths;
  }

  async close(): Promise<void> {
    await this.table.stop();
    for (const ping of this.pings) await ping.stop();
  }
}

const CONFIG: ConfigPart = {
  handshake: { hold_after_link_up_s: 0 },
  radius: { accounting: { interim_s: 60 } },
};

/** Nobody is cut for saying nothing while others get in. */
const PATIENT: ConfigPart = { ...CONFIG, roles: { default: { handshake: { period_s: 15, times: 3 } } } };

let scene: Scene;
afterEach(async () => {
  await scene?.close();
});

async function session(client: SwitchClient): Promise<Facts> {
  const found = await scene.session(client);
  if (found === undefined) throw new Error(`${client.mac} has no session`);
  return found;
}

const keyOf = ({ mac }: SwitchClient): string => mac.replaceAll(':', '-');

describe('a session by 802.1X', () => {
  it('SIGTERM and start, SIGKILL and start: ping, supplicant, servers, broker and table notice nothing; it ends as ever', async () => {
    scene = await Scene.open({
      ports: 2,
      radius: { users: [1, 2].map((n) => ({ name: `u${n}`, password: PASSWORD, reply: {} })) },
      config: CONFIG,
    });
    const clients = [scene.client(1), scene.client(2)];
    const supplicants = await Promise.all(clients.map((client, i) => scene.logIn(client, `u${i + 1}`)));
    const before = await Promise.all(clients.map(session));
    const watched = await Watched.begin(scene, clients);
    scene.atClose(() => watched.close());
    await sleep(1_000);
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      if (signal === 'SIGTERM') await scene.agent.stop();
      else await scene.agent.kill();
      await sleep(500);
      await scene.agent.start();
      await sleep(AFTER_MS / 2);
    }
    expect(await watched.lost()).toEqual([0, 0]);
    for (const [i, client] of clients.entries()) {
      const now = await session(client);
      expect(now.session_id).toBe(before[i]?.session_id);
      expect(now.started).toBe(before[i]?.started);
      expect(watched.tableNotices(client)).toEqual([]);
      expect(watched.said(`session/${keyOf(client)}`)).not.toContain('');
      expect(await supplicants[i]?.is('authorized')).toBe(true);
    }
    expect(watched.logins, 'reauthentications').toBe(0);
    expect(watched.accounting).toEqual([]);
    expect(watched.said('availability').map((text) => (JSON.parse(text) as Facts).state)).not.toContain(
      'offline',
    );
    expect(scene.events('session-start')).toHaveLength(2);
    expect(scene.events('session-end')).toHaveLength(0);
    expect(scene.events('warning').filter(({ code }) => code !== 'radius')).toEqual([]);
    // A server and an administrator find it by what they knew of it, and the client leaves as it would have.
    await scene.agent.ask('disconnect', String(before[0]?.session_id));
    await supplicants[1]?.logoff();
    await scene.waitForEvent('session-end', { session_id: before[0]?.session_id, cause: 'admin-reset' });
    await scene.waitForEvent('session-end', {
      session_id: before[1]?.session_id,
      cause: 'supplicant-logoff',
    });
    const stops = await until('both Stops', () => {
      const rows = watched.accounting.filter(({ status }) => status === 'Stop');
      return rows.length >= 2 ? rows : null;
    });
    for (const { sessionTimeS } of stops) expect(sessionTimeS).toBeGreaterThanOrEqual(AFTER_MS / 1000 + 2);
    for (const client of clients) expect(await scene.lab.fdb(client.mac)).toEqual([]);
  }, 90_000);
});

describe('what is not as it was', () => {
  const device = '029900000003';

  it('MAB goes on; a port that the file has closed is shut; a store that is cut short lets nobody stay', async () => {
    const ports = { 'p*': { control: 'auto' }, p3: { mab: { enabled: true, delay_s: 0 } } };
    scene = await Scene.open({
      ports: 3,
      radius: {
        users: [
          ...[1, 2].map((n) => ({ name: `u${n}`, password: PASSWORD, reply: {} })),
          { name: device, password: device, reply: {} },
        ],
      },
      config: { ...PATIENT, ports },
    });
    const [first, second, third] = [scene.client(1), scene.client(2), scene.client(3)];
    const supplicants = [await scene.logIn(first, 'u1'), await scene.logIn(second, 'u2')];
    await until(
      'MAB',
      async () => (await ping(third, UPLINK_IPV4)) && (await scene.session(third)) !== undefined,
    );
    const [kept, closed, byMac] = [await session(first), await session(second), await session(third)];
    expect(byMac.method).toBe('mab');
    const watched = await Watched.begin(scene, [first, third]);
    scene.atClose(() => watched.close());
    await sleep(1_200);
    await scene.agent.kill();
    scene.agent.configure({ ...PATIENT, ports: { ...ports, p2: { control: 'force-unauthorized' } } });
    await scene.agent.start();
    await scene.waitForEvent('session-end', {
      session_id: closed.session_id,
      cause: 'force-unauthorized',
    });
    await sleep(AFTER_MS / 2);
    expect(await watched.lost()).toEqual([0, 0]);
    expect((await session(first)).session_id).toBe(kept.session_id);
    expect((await session(third)).session_id).toBe(byMac.session_id);
    for (const client of [first, third]) expect(watched.tableNotices(client)).toEqual([]);
    expect(await scene.lab.fdb(second.mac)).toEqual([]);
    expect(watched.logins).toBe(0);

    await scene.agent.stop();
    for (const supplicant of supplicants) await supplicant.kill();
    const store = path.join(scene.agent.stateDir, 'accounting.mdb');
    truncateSync(store, 9_000);
    await scene.agent.start();
    await until('the grant gone', async () => (await scene.lab.fdb(first.mac)).length === 0);
    await scene.waitForEvent('warning', { code: 'foreign-entry' });
    const told = scene.events('warning').find(({ code }) => code === 'spool');
    scene.excuse('records', 'what was open is closed by the Accounting-On alone');
    expect(told?.message).toMatch(/set aside as accounting\.mdb\.set-aside.*cut short/);
    expect(await ping(first, UPLINK_IPV4)).toBe(false);
    await until(
      'MAB anew',
      async () => (await ping(third, UPLINK_IPV4)) && (await scene.session(third)) !== undefined,
    );
    expect((await session(third)).session_id).not.toBe(byMac.session_id);
  }, 120_000);

  it('a cable that was pulled and put back while nobody ran: its user is out, and comes in by another login', async () => {
    scene = await Scene.open({
      ports: 2,
      radius: { users: [1, 2].map((n) => ({ name: `u${n}`, password: PASSWORD, reply: {} })) },
      config: PATIENT,
    });
    const [pulled, other] = [scene.client(1), scene.client(2)];
    await scene.logIn(pulled, 'u1');
    await scene.logIn(other, 'u2');
    const [before, stays] = [await session(pulled), await session(other)];
    await sleep(500);
    await scene.agent.kill();
    await scene.lab.unplug(1);
    await scene.lab.plug(1);
    await scene.agent.start();
    await scene.waitForEvent('session-end', { session_id: before.session_id, cause: 'port-down' });
    const again = await until('the login anew', async () => (await scene.session(pulled)) ?? null);
    expect(again.session_id).not.toBe(before.session_id);
    expect((await session(other)).session_id).toBe(stays.session_id);
    // The agent that runs sees the same, whether the kernel tells of both or of the second alone.
    await scene.lab.unplug(1);
    await scene.lab.plug(1);
    await scene.waitForEvent('session-end', { session_id: again.session_id, cause: 'port-down' });
  }, 60_000);

  it('under the agent, by hand: each is put right, told and counted', async () => {
    scene = await Scene.open({
      ports: 2,
      radius: { users: [{ name: 'u1', password: PASSWORD, reply: {} }] },
      config: PATIENT,
    });
    const client = scene.client(1);
    await scene.logIn(client, 'u1');
    const before = await session(client);
    const bridge = (...words: readonly string[]) => scene.lab.netns.must(['bridge', ...words]);
    const stranger = '02:66:00:00:00:01';
    await bridge('fdb', 'add', stranger, 'dev', 'p2', 'master', 'static', 'sticky');
    await scene.waitForEvent('warning', { code: 'foreign-entry', mac: stranger });
    await until('it gone', async () => (await scene.lab.fdb(stranger)).length === 0);
    await bridge('fdb', 'del', client.mac, 'dev', 'p1', 'master');
    await scene.waitForEvent('warning', { code: 'grant-lost', mac: client.mac });
    await until('it back', async () => (await scene.lab.fdb(client.mac)).length === 1);
    await bridge('link', 'set', 'dev', 'p2', 'locked', 'off');
    await scene.waitForEvent('warning', { code: 'port-open', port: 'p2' });
    await until('it locked', async () => (await scene.lab.portFlags('p2')).locked === true);
    expect((await session(client)).session_id).toBe(before.session_id);
    const { repairs } = await scene.ask('status');
    expect(repairs).toEqual({
      'foreign-entries-removed': 1,
      'grants-written-again': 1,
      'ports-locked-again': 1,
    });
  }, 60_000);
});
