// The broker as docs/examples/ sets it up: TLS with a certificate from everybody, and access rules. Who may do what; and a
// broker, or a switch, whose certificate is not to be believed.

import { copyFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import type { Issued } from '../rigs/lab/certificates.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import type { LabProcess } from '../rigs/lab/process.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { SecuredBroker } from '../rigs/lab/secured-broker.ts';

const BASE = 'rollcall/v1/sw1';
const SWITCHES = 8883;
const PEOPLE = 8884;

describe('a broker with TLS and access rules', () => {
  let lab: LabSwitch;
  let broker: SecuredBroker;
  let agent: Agent;
  let own: Issued;
  const people: Record<string, Issued> = {};

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 2 });
    broker = await SecuredBroker.open(lab.netns);
    const { authorities } = broker;
    for (const name of ['monitor', 'operator', 'helpdesk', 'nobody'])
      people[name] = await broker.client(name, authorities.people);
    own = await broker.client('sw1', authorities.switches);
    copyFileSync(authorities.broker.certificate, broker.folder.file('agent-ca.pem'));
    const tls = {
      ca_file: broker.folder.file('agent-ca.pem'),
      cert_file: own.certificate,
      key_file: own.key,
    };
    agent = await Agent.start(lab.netns, {
      mqtt: { url: SecuredBroker.switchesUrl, tls },
      certified_devices: { enabled: true },
    });
    await broker.waitForMessage(new RegExp(`^${BASE}/info `));
  });

  afterAll(async () => {
    await agent?.close();
    await broker?.close();
    lab?.close();
  });

  const person = (name: string): Issued => people[name] as Issued;

  /** `rollcall ARGS...` from afar, by a person's certificate. */
  function far(name: string, ...args: readonly string[]) {
    const { certificate, key } = person(name);
    return agent.rollcall(
      ...args,
      ...['--broker', SecuredBroker.peopleUrl, '--switch', 'sw1', '--timeout', '5'],
      ...['--ca-file', broker.authorities.broker.certificate, '--cert-file', certificate, '--key-file', key],
    );
  }

  const controlOf = async (port: string): Promise<unknown> => {
    const { result } = (await agent.ask('ports', port)) as {
      readonly result: { readonly ports: readonly { readonly control: string }[] };
    };
    return result.ports[0]?.control;
  };

  describe('who may do what', () => {
    it('a monitor sees everything', async () => {
      const asked = [
        ['status'],
        ['sessions'],
        ['ports'],
        ['servers'],
        ['config', 'get'],
        ['certified', 'list'],
      ];
      const answers = await Promise.all(asked.map((args) => far('monitor', ...args)));
      for (const answer of answers) expect(answer).toMatchObject({ code: 0, stderr: '' });
      expect(await far('monitor', 'events', '--recent', '5')).toMatchObject({ code: 0 });
      const listener = broker.subscribe(person('monitor'), PEOPLE, `${BASE}/+`);
      for (const topic of ['availability', 'info'])
        await listener.waitForLine(new RegExp(`^${BASE}/${topic} `));
      await listener.stop();
    });

    it('and commands nothing that changes: the broker refuses it, and so does the switch', async () => {
      const change = ['port', 'p1', 'force-unauthorized'];
      expect(await far('monitor', ...change)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/broker refuses the command: .*not authorized/i),
      });
      // On the topic that it may write to.
      const request = '{"port":"p1","control":"force-unauthorized"}';
      const asked = await broker.publish(person('monitor'), PEOPLE, `${BASE}/query/port`, request);
      expect(asked.code).toBe(0);
      expect(await broker.waitForMessage(/response\/port /)).toMatch(/"ok":false,.*"code":"forbidden"/);
      expect(await controlOf('p1')).toBe('auto');
    });

    it('nor does it see what an operator sends: a configuration can have secrets in it', async () => {
      const spy = broker.subscribe(person('monitor'), PEOPLE, 'rollcall/v1/#');
      await spy.waitForLine(new RegExp(`^${BASE}/info `));
      const topic = `${BASE}/command/config`;
      await broker.publish(person('operator'), PEOPLE, topic, '{"check":"a: marker-of-a-secret"}');
      await broker.waitForMessage(/command\/config .*marker-of-a-secret/);
      await spy.waitForLine(/response\/config /);
      expect(spy.lines.filter((line) => line.includes('/command/'))).toEqual([]);
      await spy.stop();
    });

    it('an operator may do it', async () => {
      expect(await far('operator', 'port', 'p1', 'force-unauthorized')).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect(await controlOf('p1')).toBe('force-unauthorized');
      expect(await far('operator', 'port', 'p1', 'auto')).toMatchObject({ code: 0 });
    });

    it('rights go by verb: a help desk ends sessions, and sets no port', async () => {
      expect(await far('helpdesk', 'disconnect', '--all', '--yes')).toMatchObject({ code: 0, stderr: '' });
      expect((await far('helpdesk', 'port', 'p1', 'force-authorized')).code).toBe(3);
      expect(await controlOf('p1')).toBe('auto');
    });

    it.each([
      ['somebody of the same authority whom no rule names', 'nobody'],
      ['a monitor who would pass for a switch', 'monitor'],
    ])('%s says nothing in the name of one', async (_, name) => {
      for (const topic of [`${BASE}/session/aa-bb-cc-dd-ee-ff`, `rollcall/v1/${name}/availability`]) {
        const said = await broker.publish(person(name), PEOPLE, topic, 'forged');
        expect(said.code, topic).not.toBe(0);
      }
      expect(broker.heard.filter((line) => line.endsWith(' forged'))).toEqual([]);
    });

    it('nobody comes in without a certificate, or by one of the other listener', async () => {
      const denied = await broker.publish(person('operator'), SWITCHES, `${BASE}/command/drain`, '{}');
      expect(denied.code).not.toBe(0);
      const stranger = await broker.client('operator', broker.authorities.strangers, 'stranger');
      expect((await broker.publish(stranger, PEOPLE, `${BASE}/command/drain`, '{}')).code).not.toBe(0);
      const none = ['-h', '127.0.0.1', '-p', `${PEOPLE}`, '--cafile', broker.authorities.broker.certificate];
      const pub = ['mosquitto_pub', '-V', '5', ...none, '-q', '1', '-t', `${BASE}/command/drain`, '-m', '{}'];
      expect((await lab.netns.run(pub)).code).not.toBe(0);
      expect(agent.isRunning).toBe(true);
    });

    it('another switch speaks under its own base, and for no other; nor does it take its connection', async () => {
      const other = await broker.client('sw2', broker.authorities.switches);
      expect((await broker.publish(other, SWITCHES, 'rollcall/v1/sw2/info', 'own')).code).toBe(0);
      await broker.waitForMessage(/^rollcall\/v1\/sw2\/info own/);
      for (const topic of [
        'availability',
        'info',
        'session/aa-bb-cc-dd-ee-ff',
        'command/drain',
        'response/info',
      ])
        expect((await broker.publish(other, SWITCHES, `${BASE}/${topic}`, 'forged')).code, topic).not.toBe(0);
      const from = broker.heard.length;
      for (const id of ['sw1', 'rollcall-sw1']) {
        const will = ['-i', id, '--will-topic', `${BASE}/availability`, '--will-payload', 'forged'];
        await broker.publish(other, SWITCHES, 'rollcall/v1/sw2/info', 'again', will);
      }
      expect(await far('monitor', 'status')).toMatchObject({ code: 0 });
      expect(broker.heard.slice(from).filter((line) => /forged|"offline"/.test(line))).toEqual([]);
      expect(agent.lines.filter((line) => line.includes('is gone'))).toEqual([]);
    });
  });

  describe('certificates', () => {
    let listener: LabProcess | undefined;
    afterAll(() => listener?.stop());

    const failed = (pattern: RegExp, fromLine: number) =>
      agent.waitForLog(pattern, { fromLine, timeoutMs: 20_000 });

    /** The agent is back by itself; nobody was told that it was away. */
    async function connectedAgain(fromLine: number): Promise<void> {
      await agent.waitForLog(/broker mqtts:.* connected/, { fromLine, timeoutMs: 40_000 });
      await until('an answer', async () => (await far('monitor', 'status')).code === 0);
    }

    it('a renewed one is taken at SIGHUP, and nobody sees the switch away', async () => {
      const from = agent.lines.length;
      await broker.client('sw1', broker.authorities.switches);
      agent.signal('SIGHUP');
      await agent.waitForLog(/connecting anew, by the new TLS files/, { fromLine: from });
      await connectedAgain(from);
      expect(broker.heard.filter((line) => line.includes('"offline"'))).toEqual([]);
    });

    it('one that cannot be used changes nothing: the connection stays, and the log says why', async () => {
      const from = agent.lines.length;
      rmSync(own.key);
      agent.signal('SIGHUP');
      await failed(/key_file .*sw1\.key: ENOENT.*the connection stays/, from);
      expect(await far('monitor', 'status')).toMatchObject({ code: 0 });
    });

    it('a broker that is not to be believed is not spoken to, says the log, and is tried again', async () => {
      await broker.client('sw1', broker.authorities.switches);
      const from = agent.lines.length;
      for (const { spoiled, message } of UNBELIEVABLE) {
        await broker.stop();
        await broker.certify(spoiled(broker));
        const since = agent.lines.length;
        await broker.start();
        await failed(message, since);
        await sleep(1_200);
        // Once, not at each attempt.
        expect(agent.lines.slice(since).filter((line) => message.test(line))).toHaveLength(1);
        expect(broker.log.filter((line) => /New client connected .* as sw1/.test(line))).toEqual([]);
      }
      await broker.stop();
      await broker.certify({});
      await broker.start();
      await connectedAgain(from);
    });

    it('a certificate of our own that the broker does not believe: so says the log, and it is tried again', async () => {
      const from = agent.lines.length;
      await broker.client('sw1', broker.authorities.strangers);
      agent.signal('SIGHUP');
      await failed(/the broker refused us, probably our certificate \(.*sw1\.pem\)/, from);
      await broker.client('sw1', broker.authorities.switches);
      await connectedAgain(from);
    });
  });
});

/** What a broker shows of itself, and what is said of it. */
const UNBELIEVABLE: readonly {
  readonly spoiled: (broker: SecuredBroker) => Parameters<SecuredBroker['certify']>[0];
  readonly message: RegExp;
}[] = [
  {
    spoiled: () => ({ expired: true }),
    message: /the certificate of the broker has expired/,
  },
  {
    spoiled: ({ authorities }) => ({ by: authorities.strangers }),
    message: /the certificate of the broker is signed by an authority that is not in ca_file/,
  },
  {
    spoiled: () => ({ names: 'DNS:other.example' }),
    message: /the certificate of the broker is not for 127\.0\.0\.1/,
  },
];
