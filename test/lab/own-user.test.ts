// The agent as a user of its own: started by root through the launcher, with the two rights that it needs. Everything works;
// there is nothing else that it may do; and nobody looks into its memory.

import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import type { LabProcess } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

const LAUNCHER = path.resolve(import.meta.dirname, '../../dist/rollcall');
/** daemon: of every system, and of no other process of the lab. */
const USER = 1;

interface Info {
  readonly result: {
    readonly missing: readonly string[];
    readonly rights: Readonly<Record<string, unknown>>;
  };
}

describe('a user of its own', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let folder: LabFolder;
  let agent: Agent;
  let launched: LabProcess;
  let alice: Supplicant;

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 1 });
    radius = await FreeRadius.start(lab.netns, { users: [{ name: 'alice', password: 'wonder' }] });
    folder = new LabFolder('daemon');
    chmodSync(folder.path, 0o755);
    for (const name of ['state', 'run']) {
      mkdirSync(folder.file(name));
      chownSync(folder.file(name), USER, USER);
    }
    agent = Agent.unstarted(lab.netns);
    const config = agent.configText(
      {
        state_dir: folder.file('state'),
        control_socket: folder.file('run/rollcall.sock'),
        web: { port: 80 },
        handshake: { hold_after_link_up_s: 0 },
      },
      ['mqtt'],
    );
    const file = folder.write('rollcall.yaml', config);
    chownSync(file, 0, USER);
    chmodSync(file, 0o640);
    // Of the switch's namespace; on a switch it is a line of /etc/sysctl.d.
    await lab.netns.setSysctl('net.ipv4.ip_unprivileged_port_start', 80);
    launched = lab.netns.start({
      name: 'rollcall, by its launcher',
      argv: ['env', 'ROLLCALL_USER=daemon', LAUNCHER, 'run', '-c', file],
    });
    await launched.waitForLine(/"message":"running"/);
    alice = await Supplicant.start(lab.client(1), { method: 'MD5', identity: 'alice', password: 'wonder' });
    await alice.waitFor('authorized');
  });

  afterAll(async () => {
    await alice?.close();
    await launched?.stop();
    await agent?.close();
    await radius?.close();
    folder?.remove();
    lab?.close();
  });

  const status = (): string => readFileSync(`/proc/${launched.pid}/status`, 'utf8');
  const cli = (...args: readonly string[]) =>
    agent.rollcall(...args, '--socket', folder.file('run/rollcall.sock'));

  it('has two rights and no others, and never more', () => {
    expect(status()).toMatch(/^Uid:\s+1\s+1\s+1\s+1$/m);
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status()).toMatch(new RegExp(`^${set}:\\s+0000000000003000$`, 'm'));
    expect(status()).toMatch(/^NoNewPrivs:\s+1$/m);
  });

  it('says so', async () => {
    const { result } = JSON.parse((await cli('status', '--json')).stdout) as Info;
    expect(result.rights).toEqual({
      user: USER,
      capabilities: ['CAP_NET_ADMIN', 'CAP_NET_RAW'],
      missing: [],
      needless: [],
      no_new_privileges: true,
    });
    expect((await cli('status')).stdout).toMatch(/runs as +user 1, CAP_NET_ADMIN CAP_NET_RAW\n/);
  });

  it('locks, lets in, captures, listens, stores and logs off', async () => {
    expect((await lab.fdb(lab.client(1).mac)).length > 0).toBe(true);
    const complaints = launched.lines.filter((line) => /"level":"(warn|error)"/.test(line));
    expect(complaints.filter((line) => !line.includes('without `tls` passwords'))).toEqual([]);
    const off = await cli('disconnect', lab.client(1).mac);
    expect(off.stdout).toBe('1 session is ended and locked out\n');
    expect(statSync(folder.file('state')).uid).toBe(USER);
    expect(
      await lab.netns.run(['curl', '-sS', '-m', '3', '-o', '/dev/null', 'http://10.99.0.1/']),
    ).toMatchObject({ code: 0 });
  });

  it('leaves no core, and shows its memory to root alone', async () => {
    expect(readFileSync(`/proc/${launched.pid}/limits`, 'utf8')).toMatch(/^Max core file size\s+0\s+0/m);
    const as = ['setpriv', '--reuid', `${USER}`, '--regid', `${USER}`, '--clear-groups'];
    for (const file of ['mem', 'environ', 'maps']) {
      const { code, stderr } = await lab.netns.run([
        ...as,
        'head',
        '-c',
        '1',
        `/proc/${launched.pid}/${file}`,
      ]);
      expect([file, code, stderr]).toEqual([file, 1, expect.stringMatching(/Permission denied/)]);
    }
  });

  it('opens no debugger', async () => {
    process.kill(launched.pid, 'SIGUSR1');
    expect((await cli('status')).code).toBe(0);
    expect(await lab.netns.must(['ss', '-Hltn'])).not.toMatch(/:9229\b/);
    expect(launched.output).not.toMatch(/Debugger listening/);
  });

  it('without the right for its port, check and info say which', async () => {
    await lab.netns.setSysctl('net.ipv4.ip_unprivileged_port_start', 1024);
    const as = ['env', 'ROLLCALL_USER=daemon', LAUNCHER, 'check', '-c', folder.file('rollcall.yaml')];
    const { stdout } = await lab.netns.run(as);
    expect(stdout).toMatch(
      /fault +The right CAP_NET_BIND_SERVICE is missing: the agent cannot listen on web\.port 80; sysctl/,
    );
    const root = await lab.netns.run([LAUNCHER, 'check', '-c', folder.file('rollcall.yaml')]);
    expect(root.stdout).toMatch(
      /warning +as root the agent has \d+ rights that it does not need: give it a user of its own/,
    );
  });

  it('a user that there is not: it does not start as another one', async () => {
    const none = ['env', 'ROLLCALL_USER=no-such', LAUNCHER, 'run', '-c', folder.file('rollcall.yaml')];
    const { code, stderr } = await lab.netns.run(none);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/no-such/);
  });
});
