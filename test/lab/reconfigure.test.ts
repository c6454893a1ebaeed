// Another configuration for the running agent, over MQTT, by the command line, and by SIGHUP. Nobody whose settings did
// not change is touched; a bad one changes nothing.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigPart } from '../rigs/config-part.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';

const SECRET = 'testing123';
const BASE: ConfigPart = {
  handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
  ports: { 'p*': { control: 'auto' }, p2: { role: 'staff' } },
  roles: {
    default: { handshake: { period_s: 30, times: 3 } },
    staff: { handshake: { period_s: 30, times: 3 } },
  },
};

interface Answer {
  readonly ok: boolean;
  readonly result?: Facts;
  readonly error?: Facts & { readonly message: string; readonly faults?: readonly Facts[] };
}

describe('the configuration of a running agent', () => {
  let scene: Scene;
  let folder: LabFolder;

  beforeAll(async () => {
    folder = new LabFolder('reconfigure');
    const users = ['alice', 'bob'].map((name) => ({ name, password: PASSWORD }));
    scene = await Scene.open({ ports: 3, radius: { users }, config: BASE });
    await scene.logIn(scene.client(1), 'alice');
    await scene.logIn(scene.client(2), 'bob');
    for (const n of [1, 2]) await scene.client(n).netns.must(['ping', '-c1', '-W2', '10.99.0.254']);
    await until('both addresses', () => [1, 2].every((n) => retained(n).at(-1)?.ipv4 !== null));
  });

  afterAll(async () => {
    await scene?.close();
    folder?.remove();
  });

  async function config(request: object): Promise<Answer> {
    const topic = `${TOPIC_BASE}/command/config`;
    const payload = JSON.stringify(request);
    return JSON.parse(await scene.broker.request({ topic, payload, responseTopic: 'lab/answers' })) as Answer;
  }

  /** What the retained topic of a client's session has been, in order. */
  const retained = (n: number): readonly Facts[] =>
    scene.upstream
      .ofTopic(`${TOPIC_BASE}/session/${scene.client(n).mac.replaceAll(':', '-')}`)
      .map(({ payload }) => JSON.parse(payload) as Facts);

  /** A file with these changes: its text, and where it is. */
  function file(change: ConfigPart): { readonly text: string; readonly path: string } {
    const text = scene.agent.configText({ ...BASE, ...change });
    const path = join(folder.path, 'other.yaml');
    writeFileSync(path, text);
    return { text, path };
  }

  const staff = (period_s: number): ConfigPart => ({
    roles: { default: { handshake: { period_s: 30 } }, staff: { handshake: { period_s, times: 3 } } },
  });

  it('get: the text in force, and no secret in it', async () => {
    const answer = await config({ get: true });
    expect(answer).toMatchObject({ ok: true, result: { text: expect.stringContaining('staff:') } });
    expect(scene.agent.configText(BASE)).toContain(SECRET);
    expect(JSON.stringify(answer)).not.toContain(SECRET);
    const { stdout } = await scene.agent.cli('config', 'get');
    expect(stdout).toBe(answer.result?.text);
  });

  it('T of one role: its session follows at once; the other one keeps its phase, and is not published', async () => {
    const before = { alice: retained(1), bob: retained(2) };
    const probesBefore = scene.events('handshake-probe').length;
    expect(await config({ apply: file(staff(1)).text })).toMatchObject({
      ok: true,
      result: { applied: true, ports: [], sessions: 1 },
    });
    await until("bob's new T", () => retained(2).length > before.bob.length);
    expect(retained(2).at(-1)).toMatchObject({ handshake: { period_s: 1 } });
    // Bob is probed every second now. Alice's period has not begun anew, and nothing is said of her.
    await until('probes', () => scene.events('handshake-probe').length >= probesBefore + 2);
    expect(JSON.stringify(scene.events('handshake-probe'))).not.toContain(scene.client(1).mac);
    expect(retained(1)).toEqual(before.alice);
    expect(scene.events('session-end')).toEqual([]);
    await config({ apply: file({}).text });
  });

  it('one role is changed again and again: the periods of the other one end all the same', async () => {
    const roles = (session_s: number): ConfigPart => ({
      roles: { default: { handshake: { period_s: 4 } }, staff: { session_s } },
    });
    const changes = [];
    await until(
      'a probe of alice: had each change begun her period anew, there would be none',
      async () => {
        changes.push(await config({ apply: file(roles(1_000 + changes.length)).text }));
        return JSON.stringify(scene.events('handshake-probe')).includes(scene.client(1).mac);
      },
      25_000,
    );
    expect(changes.length).toBeGreaterThan(4);
    expect(await config({ apply: file({}).text })).toMatchObject({ ok: true });
  });

  it('a bad one changes nothing and names all faults; so do keys that take a restart', async () => {
    const shown = await config({ get: true });
    const said = [retained(1).length, retained(2).length];
    const bad = file({ ...staff(0.5), guard: { share: 7 }, colour: 'red' });
    for (const action of ['check', 'apply']) {
      const answer = await config({ [action]: bad.text });
      expect(answer).toMatchObject({ ok: false, error: { code: 'bad-value' } });
      expect(answer.error?.faults?.map(({ path }) => path).sort()).toEqual([
        'colour',
        'guard.share',
        'roles.staff.handshake.period_s',
      ]);
    }
    const cli = await scene.agent.cli('config', 'apply', bad.path);
    expect([cli.code, cli.stdout, cli.stderr.trimEnd().split('\n').length]).toEqual([1, '', 3]);
    expect(cli.stderr).toMatch(/roles\.staff\.handshake\.period_s \(line \d+\): '0\.5' is not/);
    const moved = file({ ...staff(1), backend: 'sim', mqtt: { url: 'mqtt://127.0.0.1:1999' } });
    const refused = await config({ apply: moved.text });
    expect(refused).toMatchObject({ ok: false, error: { code: 'refused' } });
    expect(refused.error?.message).toMatch(/restart .*backend, mqtt\.url/);
    expect(await config({ get: true })).toEqual(shown);
    expect([retained(1).length, retained(2).length]).toEqual(said);
  });

  it('a port is closed by another configuration: who is on it is out, the others stay', async () => {
    const closed = file({
      ports: { 'p*': { control: 'auto' }, p1: { control: 'force-unauthorized' }, p2: { role: 'staff' } },
    });
    const { code, stdout } = await scene.agent.rollcall(
      ...['config', 'apply', closed.path, '--broker', scene.broker.url, '--switch', 'sw1'],
    );
    expect([code, stdout]).toEqual([0, 'taken over: 1 port and 0 sessions changed\n']);
    await scene.waitForEvent('session-end', { mac: scene.client(1).mac, cause: 'force-unauthorized' });
    expect(await scene.lab.fdb(scene.client(1).mac)).toEqual([]);
    expect((await scene.sessions()).map(({ mac }) => mac)).toEqual([scene.client(2).mac]);
  });

  it('SIGHUP: the file is taken over, or the log and a warning say why not', async () => {
    const before = retained(2).length;
    scene.agent.configure({ ...BASE, ...staff(7) });
    scene.agent.signal('SIGHUP');
    await until("bob's new T", () => retained(2).length > before);
    expect(retained(2).at(-1)).toMatchObject({ handshake: { period_s: 7 } });
    expect((await scene.port('p1'))?.control).toBe('auto');
    scene.agent.configure({ ...BASE, ...staff(0.5) });
    scene.agent.signal('SIGHUP');
    await scene.waitForEvent('warning', { code: 'config' });
    await scene.agent.waitForLog(/roles\.staff\.handshake\.period_s \(line \d+\): '0\.5' is not/);
    expect((await scene.session(scene.client(2)))?.handshake).toMatchObject({ period_s: 7 });
  });
});
