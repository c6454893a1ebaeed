// Whose session it is, and when it is another user's.

import { describe, expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const OUTER = 'anonymous';

/** By PEAP or TTLS: the client says `anonymous`, and the server knows who that is; undefined: it says no more than the client. */
function inside(stage: SimulatedStage, inner: string | undefined): void {
  for (const { users } of stage.net.servers) {
    const account = users.get(OUTER);
    if (account === undefined) throw new Error(`${OUTER} is not known`);
    if (inner === undefined) delete account.inner;
    else account.inner = inner;
  }
}

describe('an outer identity', () => {
  async function aliceIsIn() {
    const stage = new SimulatedStage({ machines: 1, users: [OUTER] });
    const machine = stage.machine(1);
    inside(stage, 'alice');
    await stage.become(machine, OUTER);
    await stage.pass(5_000);
    const session = await stage.retained(machine.mac);
    expect(session).toMatchObject({ user_name: 'alice' });
    const comes = async (inner: string | undefined) => {
      inside(stage, inner);
      await stage.become(machine, OUTER);
      await stage.pass(5_000);
      return stage.retained(machine.mac);
    };
    return { stage, machine, session, comes };
  }

  it('is no user: another one behind it ends the session of the first', async () => {
    const { stage, machine, session, comes } = await aliceIsIn();
    const bob = await comes('bob');
    expect(bob).toMatchObject({ user_name: 'bob' });
    expect(bob?.session_id).not.toBe(session?.session_id);
    await stage.logoff(machine);
    await stage.pass(2_000);
    expect(stage.events('session-end').map(({ cause, user_name }) => [cause, user_name])).toEqual([
      ['supplicant-restart', 'alice'],
      ['supplicant-logoff', 'bob'],
    ]);
    expect((await stage.accounting()).map(({ status, userName }) => [status, userName])).toEqual([
      ['Accounting-On', ''],
      ['Start', 'alice'],
      ['Stop', 'alice'],
      ['Start', 'bob'],
      ['Stop', 'bob'],
    ]);
  });

  it('is all that the server says of a TLS session that is resumed: the user is who it was, and not the next one', async () => {
    const { stage, session, comes } = await aliceIsIn();
    expect(await comes(undefined)).toMatchObject({ user_name: 'alice', session_id: session?.session_id });
    expect(await comes('alice')).toMatchObject({ user_name: 'alice', session_id: session?.session_id });
    await comes(undefined);
    expect(await comes('bob')).toMatchObject({ user_name: 'bob' });
    expect(stage.events('session-end')).toMatchObject([{ cause: 'supplicant-restart', user_name: 'alice' }]);
  });

  it('may have been all that was known: the session goes on under the name that is', async () => {
    const stage = new SimulatedStage({ machines: 1, users: [OUTER] });
    const machine = stage.machine(1);
    await stage.become(machine, OUTER);
    await stage.pass(5_000);
    const session = await stage.retained(machine.mac);
    expect(session).toMatchObject({ user_name: OUTER });
    inside(stage, 'alice');
    await stage.become(machine, OUTER);
    await stage.pass(5_000);
    expect(await stage.retained(machine.mac)).toMatchObject({
      user_name: 'alice',
      session_id: session?.session_id,
    });
  });
});

it('RFC 2866 §5.11: two users at one machine have no related sessions', async () => {
  const stage = new SimulatedStage({ machines: 1, users: ['bob'] });
  const machine = stage.machine(1);
  await stage.login(machine);
  await stage.pass(5_000);
  await stage.become(machine, 'bob');
  await stage.pass(5_000);
  const [first, second] = stage.events('session-start').map(({ session }) => session);
  expect(second).toMatchObject({ user_name: 'bob', multi_session_id: second?.session_id });
  expect(second?.multi_session_id).not.toBe(first?.multi_session_id);
});
