// Servers that die, hang and come back, beside logins that must not notice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

const USERS = [
  { name: 'alice', password: 'wonder', reply: { Class: '0x636c617373', 'Acct-Interim-Interval': 60 } },
  {
    name: 'timed',
    password: 'wonder',
    reply: { 'Session-Timeout': 4, 'Termination-Action': 'RADIUS-Request' },
  },
];
const SECRET = 'testing123';

describe('RADIUS servers', () => {
  let lab: LabSwitch;
  let first: FreeRadius;
  let second: FreeRadius;
  let agent: Agent;
  const supplicants: Supplicant[] = [];

  async function logIn(n: number, identity = 'alice', timeoutMs = 20_000): Promise<Supplicant> {
    const supplicant = await Supplicant.start(lab.client(n), { method: 'MD5', identity, password: 'wonder' });
    supplicants.push(supplicant);
    await supplicant.waitFor('authorized', timeoutMs);
    return supplicant;
  }

  const session = async (n: number): Promise<string> =>
    JSON.stringify(await agent.ask('session', lab.client(n).mac));

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 5 });
    first = await FreeRadius.start(lab.netns, { users: USERS });
    second = await FreeRadius.start(lab.netns, { users: USERS, authPort: 2812, acctPort: 2813 });
    agent = await Agent.start(lab.netns, {
      roles: { default: { handshake: { period_s: 0 } } },
      radius: {
        nas_identifier: 'sw1',
        servers: [
          { address: '127.0.0.1', auth_port: 1812, acct_port: 1813, secret: SECRET },
          { address: '127.0.0.1', auth_port: 2812, acct_port: 2813, secret: SECRET },
        ],
      },
    });
  });

  afterAll(async () => {
    for (const supplicant of supplicants) await supplicant.close();
    await agent?.close();
    await second?.close();
    await first?.close();
    lab?.close();
  });

  it('Class comes back in accounting, Session-Timeout with RADIUS-Request reauthenticates without a Stop', async () => {
    await logIn(1);
    const start = await first.waitForAccounting({ 'Acct-Status-Type': 'Start', 'User-Name': 'alice' });
    expect(start.Class).toBe('0x636c617373');
    await logIn(2, 'timed');
    const before = /"session_id": ?"([^"]+)"/.exec(await session(2))?.[1];
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(await session(2)).toContain(before);
    const logins = first.output.split('\n').filter((line) => /Login OK: \[timed/.test(line));
    expect(logins.length).toBeGreaterThanOrEqual(2);
    expect(first.accounting().filter((record) => record['Acct-Status-Type'] === 'Stop')).toEqual([]);
  });

  it('the first server hangs: a login goes to the second, and later ones at once', async () => {
    first.freeze();
    await logIn(3, 'alice', 30_000);
    expect(await session(3)).toContain('127.0.0.1:2812');
    const asked = Date.now();
    await logIn(4);
    expect(await session(4)).toContain('127.0.0.1:2812');
    // wpa_supplicant takes two seconds to begin by itself.
    expect(Date.now() - asked).toBeLessThan(4_500);
  }, 60_000);

  it('what was not acknowledged reaches a server once, with the time that it waited', async () => {
    await supplicants[0]?.logoff();
    const stop = await second.waitForAccounting(
      { 'Acct-Status-Type': 'Stop', 'Calling-Station-Id': '02-99-00-00-00-01' },
      40_000,
    );
    expect(stop['Acct-Terminate-Cause']).toBe('User-Request');
    first.thaw();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const stops = second
      .accounting()
      .filter(
        (record) =>
          record['Acct-Session-Id'] === stop['Acct-Session-Id'] && record['Acct-Status-Type'] === 'Stop',
      );
    expect(stops).toHaveLength(1);
  }, 60_000);

  it('a server with another secret lets nobody in', async () => {
    await first.close();
    await second.close();
    first = await FreeRadius.start(lab.netns, { users: USERS, secret: 'another-secret' });
    await expect(logIn(5, 'alice', 8_000)).rejects.toThrow();
    expect(JSON.stringify(await agent.ask('sessions'))).not.toContain(lab.client(5).mac);
  }, 60_000);
});
