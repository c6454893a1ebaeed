// Every RADIUS packet of a rich scenario, as tshark and another implementation see it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { radclient } from '../rigs/lab/dynauth.ts';
import { RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import { startImpostor } from '../rigs/lab/impostor.ts';
import { until } from '../rigs/lab/process.ts';
import { expectProven, RadiusWitness } from '../rigs/lab/radius-proof.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';

const DETOUR = 3812;

describe('all RADIUS packets of logins, refusals, reauthentications, accounting, CoA and Disconnect', () => {
  let scene: Scene;
  let witness: RadiusWitness;

  beforeAll(async () => {
    scene = await Scene.open({
      ports: 5,
      radius: {
        users: [
          { name: 'alice', password: PASSWORD, reply: { Class: '0x676f6c64', 'User-Name': '"Ålice"' } },
          {
            name: 'bob',
            password: PASSWORD,
            reply: { 'Reply-Message': '"welcome"', 'Filter-Id': '"staff"' },
          },
          { name: 'timed', password: PASSWORD, reply: { 'Session-Timeout': 3, 'Termination-Action': 1 } },
          { name: 'tls-user' },
        ],
        // Small, so that EAP is split and put together again.
        fragmentSize: 600,
      },
      config: {
        radius: { accounting: { interim_s: 60 } },
        roles: { default: { handshake: { period_s: 0 } } },
      },
      prepare: async (lab) => {
        witness = await RadiusWitness.start(lab.netns);
      },
    });
    scene.atClose(() => witness.close());
  });
  afterAll(() => scene?.close());

  it('nothing is malformed, and each authenticator is what Python makes of it', async () => {
    const [one, two, three, four, five] = scene.lab.clients;
    if (!one || !two || !three || !four || !five) throw new Error('five clients');
    const alice = await scene.logIn(one, 'alice', 'MD5');
    await scene.logIn(two, 'bob', 'PEAP');
    const tls = await scene.supplicant(three, { method: 'TLS' });
    await scene.supplicant(four, { method: 'MD5', identity: 'bob', password: 'wrong' });
    await scene.logIn(five, 'timed', 'TTLS');
    await tls.waitFor('authorized');
    await scene.waitForEvent('auth-failed', { mac: four.mac });
    await scene.ask('reauth', two.mac);
    await alice.logoff();
    await scene.waitForEvent('session-end', { mac: one.mac });
    await until(
      'the reauthentication of timed',
      () => scene.radius.output.split('\n').filter((line) => /Login OK: \[timed/.test(line)).length >= 4,
      20_000,
    );
    const coa = await radclient(scene.lab.netns, {
      send: 'coa',
      attributes: ['User-Name = "bob"', 'Session-Timeout = 3600', 'Proxy-State = 0x0102'],
    });
    expect(coa.code).toBe('CoA-ACK');
    const nobody = await radclient(scene.lab.netns, { send: 'disconnect', attributes: ['User-Name = "x"'] });
    expect(nobody).toMatchObject({ code: 'Disconnect-NAK', errorCause: 'Session-Context-Not-Found' });
    const away = await radclient(scene.lab.netns, {
      send: 'disconnect',
      attributes: ['User-Name = "timed"'],
    });
    expect(away.code).toBe('Disconnect-ACK');
    await scene.ask('drain');
    await until('the end of the drain', () => !scene.agent.isRunning);
    const proof = await witness.proof();
    expectProven(proof);
    expect(proof.codes['Access-Request']).toBeGreaterThan(20);
    for (const name of ['Access-Challenge', 'Access-Accept', 'Access-Reject', 'Accounting-Response']) {
      expect(proof.codes[name], name).toBeGreaterThan(0);
    }
    for (const name of ['CoA-ACK', 'Disconnect-NAK', 'Disconnect-ACK'])
      expect(proof.codes[name], name).toBe(1);
    expect(proof.codes['Accounting-Request']).toBe(proof.codes['Accounting-Response']);
  });
});

describe('the witness itself', () => {
  it('sees what is wrong with a server that does not know the secret, and with one that leaves the proof out', async () => {
    const scene = await Scene.open({
      ports: 1,
      radius: { users: [] },
      config: { radius: { servers: [{ address: '127.0.0.1', auth_port: DETOUR, secret: RADIUS_SECRET }] } },
    });
    try {
      const witness = await RadiusWitness.start(scene.lab.netns, { ports: [DETOUR] });
      scene.atClose(() => witness.close());
      const impostor = await startImpostor(scene.lab.netns, {
        port: DETOUR,
        flaw: 'no-message-authenticator',
        secret: 'another',
      });
      await scene.supplicant(scene.client(1), { method: 'MD5', identity: 'x', password: 'x' });
      await impostor.waitForLine(/answered/);
      const proof = await witness.proof();
      expect(proof.disagreements.join('\n')).toMatch(/Access-Accept id \d+: Response Authenticator/);
      expect(proof.disagreements.join('\n')).toMatch(/Access-Accept id \d+: no Message-Authenticator/);
      expect(() => expectProven(proof)).toThrow();
    } finally {
      await scene.close();
    }
  });
});
