// Every way out, on the real bridge with real peers: one client each, all logged in at the same time.
//
// For each cause: the entry is gone, a ping of the client no longer passes, the Stop in FreeRADIUS' log has the right
// cause and session time, the retained topic is cleared, and there is exactly one session-end.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EndCause } from '../../src/model/cause.ts';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker, type Subscriber } from '../rigs/lab/broker.ts';
import { fallSilent, ping, speakAgain } from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch, type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

const PASSWORD = 'wonder';

interface Stage {
  readonly lab: LabSwitch;
  readonly radius: FreeRadius;
  readonly agent: Agent;
  readonly client: SwitchClient;
  readonly supplicant: Supplicant;
  /** Logs somebody in on another client's port. */
  readonly logIn: (client: SwitchClient, user: string) => Promise<Supplicant>;
}

interface Case {
  readonly cause: EndCause;
  /** As FreeRADIUS' dictionary has it. */
  readonly terminate: string;
  readonly reply?: Readonly<Record<string, string | number>>;
  readonly end: (stage: Stage) => Promise<unknown>;
  /** Puts the port back, so that a ping could pass if it were open. */
  readonly restore?: (stage: Stage) => Promise<unknown>;
}

/** Client n is user `u<n>` on port p<n>. */
const CASES: readonly Case[] = [
  {
    cause: 'handshake-timeout',
    terminate: 'Lost-Carrier',
    end: ({ client }) => fallSilent(client),
    restore: ({ client }) => speakAgain(client),
  },
  { cause: 'supplicant-logoff', terminate: 'User-Request', end: ({ supplicant }) => supplicant.logoff() },
  {
    cause: 'port-down',
    terminate: 'Lost-Carrier',
    end: ({ lab, client }) => lab.unplug(client.index),
    restore: ({ lab, client }) => lab.plug(client.index),
  },
  {
    cause: 'session-timeout',
    terminate: 'Session-Timeout',
    reply: { 'Session-Timeout': 25 },
    end: async () => undefined,
  },
  {
    cause: 'idle-timeout',
    terminate: 'Idle-Timeout',
    reply: { 'Idle-Timeout': 5 },
    end: ({ client }) => fallSilent(client),
    restore: ({ client }) => speakAgain(client),
  },
  {
    cause: 'admin-reset',
    terminate: 'Admin-Reset',
    end: ({ agent, client }) => agent.ask('disconnect', '--user', `u${client.index}`),
  },
  {
    cause: 'force-unauthorized',
    terminate: 'Admin-Reset',
    end: ({ agent, client }) => agent.ask('port', client.port, 'force-unauthorized'),
  },
  {
    cause: 'port-disabled',
    terminate: 'Port-Disabled',
    end: ({ lab, client }) => lab.setPort(client.port, 'down'),
    restore: ({ lab, client }) => lab.setPort(client.port, 'up'),
  },
  {
    cause: 'port-removed',
    terminate: 'Port-Error',
    end: ({ lab, client }) => lab.netns.ip(`link set ${client.port} nomaster`),
    restore: async ({ lab, client, agent }) => {
      await lab.netns.ip(`link set ${client.port} master br0`);
      await until('the port to be locked again', async () => {
        const ports = JSON.stringify(await agent.ask('ports'));
        return new RegExp(`"${client.port}"[^}]*"locked":true`).test(ports);
      });
    },
  },
  {
    cause: 'reauth-failed',
    terminate: 'Reauthentication-Failure',
    end: async ({ radius, agent, client }) => {
      await radius.setUsers(
        users().map((user) => (user.name === `u${client.index}` ? { ...user, password: 'other' } : user)),
      );
      await agent.ask('reauth', '--user', `u${client.index}`);
    },
  },
  {
    cause: 'supplicant-restart',
    terminate: 'Supplicant-Restart',
    end: ({ supplicant }) => supplicant.become({ method: 'MD5', identity: 'other', password: PASSWORD }),
  },
  {
    cause: 'moved',
    terminate: 'NAS-Request',
    end: async ({ lab, client, supplicant, logIn }) => {
      const elsewhere = lab.client(CASES.length + 1);
      await supplicant.kill();
      await elsewhere.netns.ip('link set eth0 down');
      await elsewhere.netns.ip(`link set eth0 address ${client.mac}`);
      await elsewhere.netns.ip('link set eth0 up');
      await logIn(elsewhere, `u${client.index}`);
    },
  },
  { cause: 'drain', terminate: 'Admin-Reboot', end: ({ agent }) => agent.cli('drain') },
];

/** Where the client has a session still, or again: there is nothing to be locked out of. */
const GOES_ON: readonly EndCause[] = ['supplicant-restart', 'moved'];

function users(): { name: string; password: string; reply?: Readonly<Record<string, string | number>> }[] {
  const own = CASES.map(({ reply }, i) => ({
    name: `u${i + 1}`,
    password: PASSWORD,
    ...(reply === undefined ? {} : { reply }),
  }));
  return [...own, { name: 'other', password: PASSWORD }];
}

interface SessionEnd {
  readonly mac: string;
  readonly user_name: string;
  readonly session_id: string;
  readonly session_time_s: number;
  readonly cause: string;
  readonly relock: { readonly verified: boolean };
}

describe('every cause, on the real bridge', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let broker: Broker;
  let upstream: Subscriber;
  let agent: Agent;
  const supplicants: Supplicant[] = [];

  async function logIn(client: SwitchClient, user: string): Promise<Supplicant> {
    const supplicant = await Supplicant.start(client, { method: 'MD5', identity: user, password: PASSWORD });
    supplicants.push(supplicant);
    await supplicant.waitFor('authorized');
    return supplicant;
  }

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: CASES.length + 1 });
    radius = await FreeRadius.start(lab.netns, { users: users() });
    broker = await Broker.start(lab.netns);
    upstream = await broker.subscribe('rollcall/v1/sw1/#');
    agent = await Agent.start(lab.netns, {
      handshake: { hold_after_link_up_s: 0 },
      ports: {
        'p*': { control: 'auto', handshake: { period_s: 0 } },
        p1: { handshake: { period_s: 1, times: 3 } },
      },
    });
    await Promise.all(CASES.map((_, i) => logIn(lab.client(i + 1), `u${i + 1}`)));
  }, 60_000);

  afterAll(async () => {
    for (const supplicant of supplicants) await supplicant.close();
    await agent?.close();
    await broker?.close();
    await radius?.close();
    lab?.close();
  });

  const ends = (mac: string): readonly SessionEnd[] =>
    upstream
      .ofTopic('rollcall/v1/sw1/event/session-end')
      .map(({ payload }) => JSON.parse(payload) as SessionEnd)
      .filter((end) => end.mac === mac);

  it.each(CASES.map((each, i) => [each.cause, each, i + 1] as const))(
    '%s',
    async (cause, { terminate, end, restore }, index) => {
      const client = lab.client(index);
      const supplicant = supplicants[index - 1] as Supplicant;
      const stage: Stage = { lab, radius, agent, client, supplicant, logIn };
      // One that has a short timer may be out by now: it was in.
      expect(upstream.messages.some(({ payload }) => payload.includes(`"user_name":"u${index}"`))).toBe(true);
      await end(stage);
      await until(`session-end of u${index}`, () => ends(client.mac).length > 0, 30_000);
      const [only, ...more] = ends(client.mac);
      expect(more).toEqual([]);
      expect(only).toMatchObject({ cause, user_name: `u${index}`, relock: { verified: true } });
      const stop = await radius.waitForAccounting({
        'Acct-Status-Type': 'Stop',
        'Acct-Session-Id': only?.session_id ?? '',
      });
      expect(stop['Acct-Terminate-Cause']).toBe(terminate);
      expect(stop['Acct-Session-Time']).toBe(`${only?.session_time_s}`);
      if (GOES_ON.includes(cause)) return;
      const topic = `rollcall/v1/sw1/session/${client.mac.replaceAll(':', '-')}`;
      expect(upstream.ofTopic(topic).at(-1)?.payload).toBe('');
      await supplicant.kill();
      await restore?.(stage);
      expect(await lab.fdb(client.mac)).toEqual([]);
      expect(await ping(client, UPLINK_IPV4)).toBe(false);
    },
    60_000,
  );

  it('each Start has exactly one Stop', () => {
    const ids = (kind: string): string[] =>
      radius
        .accounting()
        .filter((record) => record['Acct-Status-Type'] === kind)
        .map((record) => record['Acct-Session-Id'] ?? '')
        .sort();
    const stops = ids('Stop');
    expect(new Set(stops).size).toBe(stops.length);
    expect(stops).toEqual(ids('Start'));
  });
});
