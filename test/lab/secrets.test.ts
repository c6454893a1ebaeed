// A marker of its own in each secret of the configuration and in each password of a user; then everybody logs in, everything that
// can go wrong with a secret does, and all that the agent has ever said or stored is searched for the markers.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SocketClient } from '../../src/cli/socket-client.ts';
import { VERBS } from '../../src/report/command-schemas.ts';
import { everythingHeard } from '../rigs/lab/broker.ts';
import { issue } from '../rigs/lab/certificates.ts';
import { accounting, CONCENTRATOR, Concentrator, SSO_PORT } from '../rigs/lab/concentrator.ts';
import { radclient } from '../rigs/lab/dynauth.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { SWITCH_IPV4, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';

/** Found nowhere else; of letters that no form of writing changes. */
const MARK = {
  radius: 'MARKradius7Qx',
  dynamic: 'MARKdynamic7Qx',
  sso: 'MARKsso7Qx',
  broker: 'MARKbroker7Qx',
  mab: 'MARKmab7Qx',
  inFile: 'MARKfile7Qx',
  web: 'MARKweb7Qx',
  webWrong: 'MARKwrong7Qx',
  eap: 'MARKeap7Qx',
} as const;

const PAGE = `https://${SWITCH_IPV4}/`;

describe('secrets', () => {
  let scene: Scene;
  let vpn: Concentrator;
  let folder: LabFolder;
  let key = '';
  /** What the command line and a second agent have said. */
  const said: string[] = [];

  beforeAll(async () => {
    folder = new LabFolder('secrets');
    const web = await issue(folder.path, 'web', {
      commonName: SWITCH_IPV4,
      usage: 'serverAuth',
      names: `IP:${SWITCH_IPV4}`,
    });
    key = readFileSync(web.key, 'utf8').split('\n')[1] ?? '';
    const file = folder.write('dynamic', `${MARK.inFile}\n`);
    scene = await Scene.open({
      ports: 3,
      radius: {
        secret: MARK.radius,
        users: [
          { name: 'alice', password: MARK.eap },
          { name: 'wendy', password: MARK.web },
          { name: '029900000003', password: MARK.mab },
        ],
      },
      prepare: async (lab) => {
        vpn = await Concentrator.create(lab);
      },
      config: {
        log: { level: 'trace' },
        mqtt: { url: 'mqtt://127.0.0.1:1883', username: 'sw1', password: MARK.broker },
        radius: {
          servers: [{ address: '127.0.0.1', secret: MARK.radius }],
          retransmission: { access: { irt_s: 1, mrt_s: 1, mrc: 1, mrd_s: 2 } },
          dynamic_authorization: {
            clients: [
              { address: '127.0.0.1', secret: MARK.dynamic },
              { address: '127.0.0.2', secret: { file } },
            ],
          },
        },
        l3: { ingress: ['vpn0'] },
        sso: { port: SSO_PORT, clients: [{ address: CONCENTRATOR, secret: MARK.sso }] },
        web: { port: 443, tls: { cert_file: web.certificate, key_file: web.key } },
        dot1x: { tx_period_s: 1, reauth_max: 1, server_timeout_s: 3, quiet_period_s: 1 },
        ports: {
          'p*': { control: 'auto' },
          p2: { portal: true },
          p3: { mab: { enabled: true, delay_s: 0, password: MARK.mab } },
        },
      },
    });
  });
  afterAll(async () => {
    await scene?.close();
    vpn?.close();
    folder?.remove();
  });

  const curl = (...args: readonly string[]) =>
    scene.client(2).netns.run(['curl', '-k', '-sS', '-m', '5', ...args]);

  async function logInOnThePage(password: string): Promise<void> {
    const form = /name="form" value="([^"]+)"/.exec((await curl(PAGE)).stdout)?.[1] ?? '';
    await curl(`${PAGE}login`, '-d', `form=${form}&user=wendy&password=${password}`);
  }

  it('each of them is used', async () => {
    await scene.supplicant(scene.client(1), { method: 'MD5', identity: 'alice', password: MARK.eap });
    for (const n of [2, 3])
      scene.client(n).netns.start({
        name: `ping of ${n}`,
        argv: ['ping', '-n', '-q', n === 2 ? SWITCH_IPV4 : UPLINK_IPV4],
      });
    const methods = async () => (await scene.sessions()).map(({ method }) => method).sort();
    await until('802.1X, MAB and the page', async () => `${await methods()}` === 'dot1x,mab,portal', 20_000);
    await logInOnThePage(MARK.webWrong);
    await logInOnThePage(MARK.web);
    await vpn.connect('10.98.0.101');
    const ursula = { user: 'ursula', session: 's1', ips: ['10.98.0.101'] };
    expect(await vpn.tell(accounting('Start', ursula), { secret: MARK.sso })).toBe(true);
    await until('the page and single sign-on', async () => `${await methods()}` === 'dot1x,mab,sso,web');
    const change = { send: 'coa', attributes: ['User-Name = "alice"', 'Idle-Timeout = 5000'] } as const;
    expect((await radclient(scene.lab.netns, { ...change, secret: MARK.dynamic })).code).toBe('CoA-ACK');
  });

  it('what can go wrong with them does', async () => {
    const coa = { send: 'coa', attributes: ['User-Name = "alice"'], waitS: 1 } as const;
    await radclient(scene.lab.netns, { ...coa, secret: MARK.inFile });
    await vpn.tell(['Acct-Status-Type = Start'], { secret: MARK.dynamic, waitS: 1 });
    const agent = new SocketClient(scene.agent.socket, 5_000);
    for (const text of spoiled()) {
      for (const action of ['check', 'apply']) {
        const answer = await agent.request('config', { [action]: text });
        expect(answer, text).toMatchObject({ ok: true, value: { ok: false } });
        said.push(JSON.stringify(answer));
      }
      const from = scene.agent.lines.length;
      writeFileSync(scene.agent.configFile, text);
      scene.agent.signal('SIGHUP');
      await scene.agent.waitForLog(/the configuration is not taken over/, { fromLine: from });
    }
    // By the broker; and a second agent, before it finds the first: what it says of a file that it does not take.
    for (const text of [0, 4, 8].map((n) => spoiled()[n] ?? '')) {
      const payload = JSON.stringify({ check: text });
      said.push(
        await scene.broker.request({
          topic: `${TOPIC_BASE}/query/config`,
          payload,
          responseTopic: 'lab/answers',
        }),
      );
      const at = folder.write('spoiled.yaml', text);
      for (const verb of ['check', 'run']) {
        const { code, stdout, stderr } = await scene.agent.rollcall(verb, '-c', at);
        expect(code, text).not.toBe(0);
        said.push(stdout, stderr);
      }
    }
    await agent.close();
    // Nobody is there to ask, and nobody to tell.
    await scene.radius.stop();
    await scene.broker.stop();
    await scene.agent.cli('reauth', '--all');
    await scene.agent.waitForLog(/broker .* is gone/);
    await scene.broker.start();
  });

  it('none of them is in anything that the agent has said or stored', async () => {
    const requests: Readonly<Record<string, readonly string[]>> = {
      info: ['status'],
      session: ['session', scene.client(2).mac],
      explain: ['explain', scene.client(2).mac],
      config: ['config', 'get'],
      certified: ['certified', 'list'],
      events: ['events', '--recent', '1000'],
    };
    const reading = [
      'info',
      'servers',
      'ports',
      'sessions',
      'session',
      'explain',
      'config',
      'certified',
      'events',
    ];
    const asked = VERBS.filter((verb) => reading.includes(verb)).map((verb) => {
      const args = requests[verb] ?? [verb];
      return scene.agent.cli(...args, ...(verb === 'config' ? [] : ['--json']));
    });
    for (const { stdout, stderr } of await Promise.all(asked)) said.push(stdout, stderr);
    const { pid } = scene.agent;
    const places: readonly (readonly [string, string])[] = [
      ['the log', scene.agent.lines.join('\n')],
      ['answers and faults', said.join('\n')],
      [
        'MQTT',
        JSON.stringify(
          everythingHeard()
            .flat()
            .filter(({ own }) => !own),
        ),
      ],
      ['state_dir', filesBelow(scene.agent.stateDir)],
      ['its command line', readFileSync(`/proc/${pid}/cmdline`, 'latin1')],
      ['its environment', readFileSync(`/proc/${pid}/environ`, 'latin1')],
    ];
    for (const [place, text] of places) {
      expect(text.length, place).toBeGreaterThan(10);
      for (const mark of [...Object.values(MARK), key])
        for (const form of formsOf(mark)) expect(text.includes(form), `${mark} in ${place}`).toBe(false);
    }
    // And the search finds what is there.
    expect(said.join('\n')).toContain('<hidden>');
    expect(filesBelow(scene.agent.stateDir)).toContain('alice');
  });

  /** The configuration in use, each time with another thing wrong with a secret. */
  function spoiled(): readonly string[] {
    const { radius: mark, broker, dynamic, mab } = MARK;
    const servers = (secret: unknown) =>
      scene.agent.configText({ radius: { servers: [{ address: '127.0.0.1', secret }] } } as never);
    return [
      servers([mark]),
      servers({ [mark]: 'x' }),
      servers(mark.padEnd(300, mark)),
      servers({ file: `/nowhere/${'x'}` }),
      scene.agent.configText({ mqtt: { url: `mqtt://sw1:${broker}@127.0.0.1`, password: broker } }),
      scene.agent.configText({ ports: { p3: { mab: { password: mab.padEnd(200, mab) } } } }),
      scene.agent.configText({}).replaceAll('testing123', `*${dynamic}`),
      scene.agent.configText({}).replaceAll('testing123', `"${dynamic}\\q"`),
      `${stringify({ radius: { servers: [{ address: '127.0.0.1', secret: mark }] } })}  ${mark}: : [`,
    ];
  }
});

/** As it is, and as somebody might write it who means to hide it. */
function formsOf(mark: string): readonly string[] {
  const octets = Buffer.from(mark);
  return [mark, octets.toString('hex'), octets.toString('base64').replace(/=+$/, '').slice(0, -1)];
}

function filesBelow(folder: string): string {
  return readdirSync(folder)
    .map((name) => path.join(folder, name))
    .map((at) => (statSync(at).isDirectory() ? filesBelow(at) : readFileSync(at, 'latin1')))
    .join('\n');
}
