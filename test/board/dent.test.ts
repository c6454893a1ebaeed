// The Debian package as it is built: what is in it, what it asks for, and what Debian's own tools say of it. What it does when it
// is installed is `make deb-test`.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { SMALLEST } from '../config/samples.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-deb-test-'));
const unpacked = path.join(folder, 'root');
const EXPOSURE_AT_MOST = 2.0;

/** Which package of Debian a library of its name is in. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  'libc.so.6': 'libc6',
  'libm.so.6': 'libc6',
  'ld-linux-x86-64.so.2': 'libc6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libstdc++.so.6': 'libstdc++6',
  'libpcap.so.0.8': 'libpcap0.8t64',
};

let deb = '';

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function build(out: string): string {
  const bundle = path.join(folder, 'bundle');
  return run('sh', 'board/dent/build.sh', '--bundle', bundle, '--out', path.join(folder, out)).trim();
}

function field(name: string): string {
  return run('dpkg-deb', '-f', deb, name).trim();
}

beforeAll(() => {
  const native = path.join(folder, 'native');
  mkdirSync(native);
  const parts = [
    'native/build/libportauth.so',
    'native/build/rollcall-lock',
    'node_modules/pcap/build/Release/pcap_binding.node',
  ];
  for (const part of parts) cpSync(path.join(ROOT, part), path.join(native, path.basename(part)));
  const bundle = path.join(folder, 'bundle');
  run('node', 'board/bundle.mjs', '--target', 'linux-x64-glibc', '--native', native, '--out', bundle);
  deb = build('first');
  run('dpkg-deb', '-x', deb, unpacked);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the Debian package', () => {
  it('is the same, octet by octet, when it is built again', () => {
    expect(readFileSync(build('second')).equals(readFileSync(deb))).toBe(true);
  }, 60_000);

  it('holds program, units, user, configuration, manual, examples, and no code of another machine or map', () => {
    const lines = run('dpkg-deb', '-c', deb).trim().split('\n');
    expect(lines.filter((line) => !line.includes(' root/root '))).toEqual([]);
    const names = lines.map((line) => line.split(/\s+/)[5]?.slice(1) ?? '');
    for (const name of [
      '/usr/bin/rollcall',
      '/usr/lib/rollcall/rollcall.js',
      '/usr/lib/rollcall/rollcall-lock',
      '/usr/lib/rollcall/lock-file',
      '/usr/lib/rollcall/user',
      '/usr/lib/systemd/system/rollcall.service',
      '/usr/lib/systemd/system/rollcall-lock.service',
      '/usr/lib/sysusers.d/rollcall.conf',
      '/usr/lib/tmpfiles.d/rollcall.conf',
      '/etc/rollcall/rollcall.yaml',
      '/usr/share/man/man8/rollcall.8.gz',
      '/usr/share/man/man5/rollcall.yaml.5.gz',
      '/usr/share/doc/rollcall/copyright',
      '/usr/share/doc/rollcall/rollcall.reference.yaml.gz',
      '/usr/share/doc/rollcall/examples/ifupdown2/interfaces',
      '/usr/share/doc/rollcall/examples/networkd/10-bridge.netdev',
    ])
      expect(names).toContain(name);
    expect(names.filter((name) => /musl|arm64|\.map$/.test(name))).toEqual([]);
    expect(run('dpkg-deb', '--ctrl-tarfile', deb).includes('./conffiles')).toBe(true);
  });

  it.each(['docs/install-dent.md', 'docs/boot.md'])('has what %s names of it', (page) => {
    const named = [
      ...readFileSync(path.join(ROOT, page), 'utf8').matchAll(/\/usr\/(?:lib|share)\/[\w./-]*\w/g),
    ];
    const ours = named.map(([name]) => name).filter((name) => name.includes('rollcall'));
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((name) => !existsSync(path.join(unpacked, name)))).toEqual([]);
  });

  it('asks for every library that its native parts need, and for the Node that they are for', () => {
    const wanted = field('Depends')
      .split(',')
      .map((one) => one.trim().split(/[ |]/)[0]);
    const files = readdirSync(unpacked, { recursive: true, encoding: 'utf8' });
    const native = files.filter((name) => /\.(so|node)$|\/rollcall-lock$/.test(name));
    expect(native).toHaveLength(5);
    for (const name of native) {
      const dynamic = run('readelf', '-d', path.join(unpacked, name));
      for (const [, library = ''] of dynamic.matchAll(/NEEDED.*\[(.*)\]/g))
        expect(wanted, `${name} needs ${library}`).toContain(PACKAGE_OF[library]);
    }
    // Loaded by name, and run.
    for (const name of ['libnftables1', 'libsystemd0', 'nftables']) expect(wanted).toContain(name);
    const [major] = process.versions.node.split('.').map(Number);
    expect(field('Depends')).toContain(`nodejs (<< ${(major ?? 0) + 1})`);
  });

  it('names the licence of every package in it', () => {
    const copyright = readFileSync(path.join(unpacked, 'usr/share/doc/rollcall/copyright'), 'utf8');
    for (const name of ['koffi', 'lmdb', 'pcap', 'radius', 'mqtt', 'pino', 'yaml', 'commander'])
      expect(copyright).toMatch(new RegExp(`^ ${name} [0-9.]+, of its own licence `, 'm'));
  });

  it('gives lintian nothing to say', () => {
    expect(run('lintian', '--allow-root', '--fail-on', 'error,warning', deb)).toBe('');
  }, 60_000);

  it('shuts the ports before each of the networks that Debian has', () => {
    const unit = readFileSync('board/dent/debian/rollcall-lock.service', 'utf8');
    const before = /^Before=(.*)$/m.exec(unit)?.[1]?.split(' ');
    // ifupdown2's networking.service, which a DENT switch has, comes after nothing by itself.
    expect(before).toEqual(expect.arrayContaining(['network-pre.target', 'networking.service']));
  });

  describe('the lock file before the network', () => {
    const config = path.join(folder, 'rollcall.yaml');
    const lock = path.join(folder, 'state/lock.conf');
    const make = () =>
      spawnSync(path.join(unpacked, 'usr/lib/rollcall/lock-file'), [config, lock], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, ROLLCALL_NODE: process.execPath },
      });

    it('is clean under shellcheck', () => expect(run('shellcheck', 'board/dent/lock-file.sh')).toBe(''));

    it('is made of a configuration that is another one than it was made of, and of no other', () => {
      expect(make()).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(lock)).toBe(false);
      writeFileSync(config, SMALLEST);
      expect(make()).toMatchObject({ status: 0 });
      const first = statSync(lock).ino;
      expect(readFileSync(lock, 'utf8')).toMatch(/^port p\* auto$/m);
      expect(make()).toMatchObject({ status: 0, stdout: '', stderr: '' });
      expect(statSync(lock).ino).toBe(first);
      const whole = readFileSync(lock, 'utf8');
      writeFileSync(lock, whole.slice(0, whole.indexOf('\nport ')));
      expect(make()).toMatchObject({ status: 0 });
      expect(readFileSync(lock, 'utf8'), 'after it was cut off').toBe(whole);
      writeFileSync(config, SMALLEST.replace('"p*"', '"swp*"'));
      expect(make()).toMatchObject({ status: 0 });
      expect(readFileSync(lock, 'utf8')).toMatch(/^port swp\* auto$/m);
      writeFileSync(config, `${SMALLEST}colour: green\n`);
      const faulty = make();
      expect(faulty.status).toBe(1);
      expect(faulty.stderr).toMatch(/rollcall\.yaml:\d+: colour: fault: /);
      expect(readFileSync(lock, 'utf8')).toMatch(/^port swp\* auto$/m);
    }, 60_000);
  });

  it.each(['rollcall.service', 'rollcall-lock.service'])('%s is exposed to 2.0 at most', (unit) => {
    const file = path.join(unpacked, 'usr/lib/systemd/system', unit);
    const said = run('systemd-analyze', 'security', '--offline=true', '--no-pager', file);
    const figure = Number(/Overall exposure level for \S+ (\d+\.\d+) /.exec(said)?.[1]);
    expect(figure).toBeLessThanOrEqual(EXPOSURE_AT_MOST);
    expect(readFileSync(file, 'utf8')).not.toMatch(/CAP_(?!NET_ADMIN|NET_RAW)/);
  });

  it('ships a configuration that starts nothing until a RADIUS server is in it, and is right then', () => {
    const text = readFileSync(path.join(unpacked, 'etc/rollcall/rollcall.yaml'), 'utf8');
    const asShipped = parseConfig(text, () => ({ ok: true, value: 'secret' }));
    expect(asShipped).toMatchObject({ ok: false, error: [{ path: 'radius.servers' }] });
    // As the comment in it says.
    const entry = /^ {2}# {3}(- \{address: .*\})$/m.exec(text)?.[1];
    const edited = text.replace('servers: []', `servers:\n    ${entry}`);
    expect(parseConfig(edited, () => ({ ok: true, value: 'secret' }))).toMatchObject({ ok: true });
  });
});
