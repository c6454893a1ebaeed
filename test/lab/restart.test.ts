// The agent is stopped, killed and started again under people who are at work: nobody notices, not the clients, not the
// RADIUS servers, not the broker, and the kernel's table is not touched.

import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigPart } from '../rigs/config-part.ts';
import { accountingRow } from '../rigs/lab/accounting-row.ts';
import type { SwitchClient } from '../rigs/lab/netns.ts';
import type { LabProcess } from '../rigs/lab/process.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';
import type { AccountingRow } from '../scenarios/stage.ts';

const GATEWAY = '10.99.0.254';
const PING_EVERY_S = 0.05;
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
    private readonly pings: readonly LabProcess[],
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
    const pings = clients.map(({ netns, port }) =>
      netns.start({
        name: `ping ${port}`,
        argv: ['ping', '-n', '-i', `${PING_EVERY_S}`, '-W', '1', GATEWAY],
      }),
    );
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

  /** Pings sent and not answered, of each client. */
  async lost(): Promise<readonly number[]> {
    return Promise.all(
      this.pings.map(async (ping) => {
        ping.signal('SIGINT');
        await ping.exited;
        const said = ping.lines.find((line) => line.includes('packets transmitted')) ?? '';
        const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? [];
        // One may be on its way at the moment of the interruption.
        expect(Number(sent)).toBeGreaterThan(20);
        return Math.max(0, Number(sent) - Number(received) - 1);
      }),
    );
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
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s and start: ping, supplicant, servers, broker and table notice nothing; it ends as ever',
    async (signal) => {
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
      for (let again = 0; again < 2; again++) {
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
    },
    90_000,
  );
});
