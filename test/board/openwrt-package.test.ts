// The package's own Makefile, with a stand-in for OpenWrt's SDK: what it takes in, what it compiles, where things land; and that
// what landed runs, from /etc/config/rollcall to an agent that answers. It is made for this machine's C library: the SDK's is not here.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uciQuoted } from '../rigs/uci.ts';

const ROOT = join(import.meta.dirname, '../..');
const OPENWRT = join(ROOT, 'board/openwrt');
const BUNDLE = `linux-${process.arch}-glibc`;
const FOR_MUSL = `linux-${process.arch}-musl`;
const MAKING_MS = 240_000;

let work: string;
let installed: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'rollcall-package-'));
  installed = join(work, 'root');
  execFileSync('sh', [join(OPENWRT, 'source.sh'), '-o', work, BUNDLE, FOR_MUSL], { stdio: 'pipe' });
  const { status, stdout, stderr } = make(['install']);
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
}, MAKING_MS);
afterAll(() => rmSync(work, { recursive: true, force: true }));

function make(
  goals: readonly string[],
  more: Readonly<Record<string, string>> = {},
): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  const sdk = join(OPENWRT, 'sdk');
  const settings = {
    TOPDIR: sdk,
    INCLUDE_DIR: sdk,
    DL_DIR: work,
    BUILD_DIR: join(work, 'build'),
    DESTDIR: installed,
    BUNDLE,
    NODE_HEADERS: headers(),
    ...more,
  };
  const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return spawnSync('make', ['--no-print-directory', '-C', join(OPENWRT, 'rollcall'), ...words, ...goals], {
    encoding: 'utf8',
  });
}

function headers(): string {
  const beside = join(dirname(dirname(process.execPath)), 'include/node');
  return (
    [beside, '/usr/include/node', '/usr/local/include/node', '/usr/include/nodejs/src'].find((folder) =>
      existsSync(join(folder, 'node.h')),
    ) ?? ''
  );
}

function tree(folder: string): readonly string[] {
  return readdirSync(join(installed, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => !statSync(join(installed, folder, name), { throwIfNoEntry: false })?.isDirectory())
    .sort();
}

it('says what it needs and where it stands', () => {
  const said = make(['info']).stdout;
  const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(said.split('\n')[0]).toBe(`rollcall ${version} ${license}`);
  for (const needed of [
    '@(aarch64||x86_64)',
    '+node',
    '+libpcap',
    '+nftables',
    '+kmod-nft-bridge',
    'USERID:=rollcall=802:rollcall=802',
  ])
    expect(said).toContain(needed);
});

it('lays its files where OpenWrt looks for them', () => {
  const mode = (name: string) => (statSync(join(installed, name)).mode & 0o777).toString(8);
  expect(tree('etc')).toEqual([
    'capabilities/rollcall-web.json',
    'capabilities/rollcall.json',
    'config/rollcall',
    'init.d/rollcall',
    'init.d/rollcall-lock',
    'rollcall/rollcall.yaml',
    'uci-defaults/60-rollcall',
  ]);
  expect(tree('lib')).toEqual(['upgrade/keep.d/rollcall', 'upgrade/rollcall.sh']);
  expect([mode('etc/config/rollcall'), mode('etc/init.d/rollcall')]).toEqual(['600', '755']);
  expect(readlinkSync(join(installed, 'etc/rollcall/rollcall.yaml'))).toBe('/var/etc/rollcall/rollcall.yaml');
  expect(readlinkSync(join(installed, 'usr/bin/rollcall'))).toBe('../lib/rollcall/rollcall');
});

it('has no symbols, source maps or sources', () => {
  expect(tree('usr').filter((name) => /\.(map|c|cc|h|ts)$/.test(name))).toEqual([]);
  const sections = execFileSync('readelf', ['-S', join(installed, 'usr/lib/rollcall/libportauth.so')], {
    encoding: 'utf8',
  });
  expect(sections).not.toContain('.symtab');
});

describe('libraries that it asks for', () => {
  /** What was compiled stays as it is. */
  const install = (more: Readonly<Record<string, string>>) =>
    make(['-o', 'compile', 'install'], { DESTDIR: join(work, 'another'), ...more });

  it("are in packages that it depends on, Alpine's name of musl too", () => {
    const { status, stderr } = install({ BUNDLE: FOR_MUSL });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const koffi = tree('../another/usr/lib/rollcall/node_modules/@koromix');
    expect(koffi.some((name) => name.includes('musl'))).toBe(true);
  });

  it('one that is in none ends the build, by its name', () => {
    const { status, stderr } = install({ MACHINE_LIBPCAP: '' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('missing dependencies for the following libraries:\nlibpcap.so.0.8\n');
  });
});

describe('what landed', () => {
  const rollcall = (args: readonly string[], input = '') =>
    spawnSync('sh', [join(installed, 'usr/bin/rollcall'), ...args], {
      encoding: 'utf8',
      input,
      env: { ...process.env, ROLLCALL_NODE: process.execPath },
    });
  const yaml = () => join(work, 'rollcall.yaml');
  const socket = () => join(work, 'control.sock');
  const uci = (more = '') => `
config switch 'main'
	option id 'sw1'
	option bridge 'br-lan'
	option backend 'sim'
	option state_dir ${uciQuoted(join(work, 'state'))}
	option control_socket ${uciQuoted(socket())}
config port 'lan1'
	option control 'auto'
config server
	option address '192.0.2.10'
	option secret 'a-secret-of-more-than-16'
config mqtt
	option embedded_port '${18_000 + (process.pid % 1000)}'
${more}`;

  it(
    "makes the configuration, runs with it, takes another one over by SIGHUP, and ends as the package's removal asks",
    async () => {
      const first = rollcall(['uci', '--to', yaml()], uci());
      expect(first).toMatchObject({ status: 0, stdout: 'restart\n', stderr: '' });
      expect(rollcall(['check', '--no-host', '-c', yaml()])).toMatchObject({ status: 0 });
      const agent = spawn(
        process.execPath,
        [join(installed, 'usr/lib/rollcall/rollcall.js'), 'run', '-c', yaml()],
        { stdio: 'pipe' },
      );
      try {
        let said = '';
        for (const stream of [agent.stdout, agent.stderr])
          stream.on('data', (part: Buffer) => {
            said += part.toString();
          });
        const heard = (text: string) =>
          waitFor(
            () => said.includes(text),
            () => said,
          );
        await heard('"running"');
        expect(rollcall(['status', '--socket', socket()])).toMatchObject({ status: 0 });
        const second = rollcall(['uci', '--to', yaml()], uci("config log\n\toption level 'debug'\n"));
        expect(second).toMatchObject({ status: 0, stdout: 'reload\n' });
        agent.kill('SIGHUP');
        await heard('the configuration is taken over');
        const drain = /drain (.*) --socket/.exec(
          readFileSync(join(OPENWRT, 'rollcall/files/rollcall.init'), 'utf8'),
        )?.[1];
        expect(rollcall(['drain', ...(drain?.split(' ') ?? []), '--socket', socket()])).toMatchObject({
          status: 0,
        });
        await waitFor(
          () => agent.exitCode !== null && !existsSync(socket()),
          () => said,
        );
        expect(agent.exitCode).toBe(0);
      } finally {
        if (agent.exitCode === null) await ended(agent);
      }
    },
    MAKING_MS,
  );

  it('refuses what is wrong, in the words of UCI', () => {
    writeFileSync(yaml(), 'as before');
    const { status, stderr } = rollcall(['uci', '--to', yaml()], uci("config log\n\toption level 'loud'\n"));
    expect(status).toBe(1);
    expect(stderr).toContain('rollcall.@log[0].level');
    expect(readFileSync(yaml(), 'utf8')).toBe('as before');
  });
});

async function waitFor(done: () => boolean, seen: () => string): Promise<void> {
  const until = performance.now() + 60_000;
  while (!done()) {
    if (performance.now() > until) throw new Error(`waited in vain; seen: ${seen()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function ended(agent: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => agent.once('exit', resolve));
  agent.kill('SIGTERM');
  await exited;
}
