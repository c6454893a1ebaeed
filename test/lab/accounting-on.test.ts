// What FreeRADIUS' own table of sessions says after the agent was torn away: where each session has a Stop of its own, and
// where an Accounting-On has to close it.

import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRow } from '../rigs/lab/freeradius.ts';
import { loseTable } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';

const DOWN_MS = 4_000;

describe('a session that the agent did not live to end', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 2,
      radius: { users: [{ name: 'alice', password: PASSWORD }], sql: true },
      config: {
        roles: { default: { handshake: { period_s: 60, times: 3 } } },
        radius: { accounting: { spool: { evidence_s: 1 } } },
      },
    });
  });
  afterAll(() => scene?.close());

  const ons = (): number =>
    scene.radius.accounting().filter((record) => record['Acct-Status-Type'] === 'Accounting-On').length;

  /** The one session that FreeRADIUS takes for living. */
  const open = (): Promise<SessionRow> =>
    until(
      'an open row',
      async () => (await scene.radius.sessionTable()).find(({ stop }) => stop === null) ?? null,
      40_000,
    );
  const closed = (sessionId: string): Promise<SessionRow> =>
    until(`the row of ${sessionId} closed`, async () => {
      const row = (await scene.radius.sessionTable()).find((each) => each.sessionId === sessionId);
      return row !== undefined && row.stop !== null && row;
    });

  it('has its own Stop: at its last evidence, with its duration and its cause, and no Accounting-On before it', async () => {
    const client = scene.client(1);
    await scene.logIn(client, 'alice');
    const { sessionId } = await open();
    await sleep(3_000);
    const killedAt = Date.now() / 1000;
    await scene.agent.kill();
    await loseTable(scene.lab.netns);
    await sleep(DOWN_MS);
    await scene.agent.start();
    const row = await closed(sessionId);
    expect(row.cause).toBe('NAS-Reboot');
    expect(row.stop).toBeLessThanOrEqual(killedAt);
    expect(row.stop).toBeGreaterThanOrEqual(row.start);
    expect(Math.abs(row.timeS - ((row.stop ?? 0) - row.start))).toBeLessThanOrEqual(1);
    expect(ons()).toBe(1);
  });

  it('whose store was lost as well is closed by the Accounting-On, which is all that is left', async () => {
    const { sessionId } = await open();
    scene.excuse('records', 'what was open is closed by the Accounting-On alone');
    const killedAt = Date.now() / 1000;
    await scene.agent.kill();
    const state = path.join(path.dirname(scene.agent.configFile), 'state');
    for (const name of readdirSync(state)) rmSync(path.join(state, name));
    await sleep(DOWN_MS);
    await scene.agent.start();
    const row = await closed(sessionId);
    expect(ons()).toBe(2);
    // The time of the restart, and nobody knows why.
    expect(row.stop).toBeGreaterThan(killedAt + 2);
    expect(row.cause).toBe('');
  });
});
