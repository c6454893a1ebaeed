// The OpenWrt package is installed, upgraded and removed, by opkg and by apk, and the switch upgraded with it and without it: the
// package's own scripts, in busybox's ash, in the order and with the variables of the one and the other.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OpenWrtRoot, serviceOf } from '../rigs/openwrt/root.ts';

const OPENWRT = join(import.meta.dirname, '../../board/openwrt');
const FILES = join(OPENWRT, 'rollcall/files');
const SOCKET = 'var/run/rollcall/control.sock';
const LOCK_FILE = '/var/run/rollcall-lock.conf';

const ENABLED = `
config switch 'main'
	option enabled '1'
	option id 'sw1'
	option bridge 'br-lan'
	option state_dir '/etc/rollcall/state'
	option control_socket '/var/run/rollcall/control.sock'
`;

const MANAGERS = ['opkg', 'apk'] as const;

let scripts: string;
beforeAll(() => {
  scripts = mkdtempSync(join(tmpdir(), 'rollcall-scripts-'));
  const sdk = join(OPENWRT, 'sdk');
  const settings = [`TOPDIR=${sdk}`, `INCLUDE_DIR=${sdk}`, `SCRIPTS_DIR=${scripts}`];
  execFileSync('make', ['-C', join(OPENWRT, 'rollcall'), ...settings, 'scripts'], { stdio: 'pipe' });
});
afterAll(() => rmSync(scripts, { recursive: true, force: true }));

let root: OpenWrtRoot;
beforeEach(() => {
  root = new OpenWrtRoot();
  root.program(
    'usr/sbin/nft',
    '#!/bin/sh\necho "nft $*" >>/tmp/calls\n[ "$1" != list ] || cat /tmp/tables\n',
  );
  root.write(
    'tmp/tables',
    'table inet fw4\ntable bridge rollcall_br-lan_uplinks\ntable bridge other\ntable inet rollcall_routed\n',
  );
});
afterEach(() => root.remove());

/** What the init scripts were asked, in order. */
const asked = () => lines('tmp/inits');
const lines = (name: string) =>
  root
    .read(name)
    .split('\n')
    .filter((line) => line !== '');

it('the scripts are clean under shellcheck', () => {
  const names = ['postinst-pkg', 'prerm-pkg'].map((name) => join(scripts, name));
  const { status, stdout, error } = spawnSync('shellcheck', ['-s', 'dash', ...names], { encoding: 'utf8' });
  expect(error).toBeUndefined();
  expect(`${stdout}${status}`).toBe('0');
});

it.each(MANAGERS)('%s, installation: what is not configured is not restarted', (manager) => {
  expect(root.manage(manager, 'install', scripts)).toMatchObject({ status: 0, err: '' });
  expect(asked()).toEqual([
    'rollcall enable',
    'rollcall start',
    'rollcall-lock enable',
    'rollcall-lock start',
  ]);
});

describe.each(MANAGERS)('%s, upgrade', (manager) => {
  it('locker and agent that run are the new ones afterwards, and nobody is logged off', async () => {
    root.write('etc/config/rollcall', ENABLED);
    await root.listen(SOCKET);
    const { status, calls } = root.manage(manager, 'upgrade', scripts);
    expect(status).toBe(0);
    // The locker first: what it locks anew, the agent opens again at its start.
    const restarts = asked().filter((action) => action.endsWith('restart'));
    expect(restarts).toEqual(['rollcall-lock restart', 'rollcall restart']);
    const last = calls.map(([call]) => call).lastIndexOf('delete_service');
    expect(serviceOf(calls.slice(last)).instance).toBeDefined();
    expect(lines('tmp/calls').filter((call) => /^(drain|clear|nft)/.test(call))).toEqual([]);
  });

  it('what is not enabled is not started', () => {
    const { status, calls } = root.manage(manager, 'upgrade', scripts);
    expect(status).toBe(0);
    expect(calls.filter(([call]) => call === 'procd_open_instance')).toEqual([]);
  });
});

describe.each(MANAGERS)('%s, removal', (manager) => {
  it('everybody is logged off before the agent is stopped, and the packet filter is as before', async () => {
    root.write('etc/config/rollcall', ENABLED);
    await root.listen(SOCKET);
    const { status, out } = root.manage(manager, 'remove', scripts);
    expect(status).toBe(0);
    expect(lines('tmp/calls')).toEqual([
      `drain --timeout 10 --socket /${SOCKET}`,
      `clear ${LOCK_FILE}`,
      'nft list tables',
      'nft delete table bridge rollcall_br-lan_uplinks',
    ]);
    expect(out).toContain('  nft delete table inet rollcall_routed\n');
    expect(out).not.toContain('fw4');
  });

  it('an agent that cannot log them off is stopped all the same', async () => {
    root.write('etc/config/rollcall', ENABLED);
    root.write('tmp/busy', '');
    await root.listen(SOCKET);
    const ended = root.manage(manager, 'remove', scripts);
    expect(ended.status).toBe(0);
    expect(ended.err).toContain('could not log them off');
    expect(ended.calls.filter(([call]) => call === 'delete_service').length).toBeGreaterThan(1);
  }, 30_000);

  it('without an agent nothing is asked of it', () => {
    expect(root.manage(manager, 'remove', scripts).status).toBe(0);
    expect(lines('tmp/calls').filter((call) => call.startsWith('drain'))).toEqual([]);
  });
});

it('whoever stops or restarts the agent logs nobody off', async () => {
  root.write('etc/config/rollcall', ENABLED);
  await root.listen(SOCKET);
  for (const action of ['stop', 'restart']) root.init(action);
  expect(lines('tmp/calls').filter((call) => call.startsWith('drain'))).toEqual([]);
});

/** What a sysupgrade keeps of the locker. */
const KEPT = [
  'etc/init.d/rollcall-kept',
  'etc/rc.d/S18rollcall-kept',
  'lib/upgrade/keep.d/rollcall-kept',
  'etc/rollcall/kept/rollcall-lock',
];

describe('sysupgrade', () => {
  const hook = (env: Record<string, string> = {}) =>
    root.run(
      [
        '/bin/ash',
        '-c',
        'sysupgrade_init_conffiles=copy; . /lib/upgrade/rollcall.sh; $sysupgrade_init_conffiles',
      ],
      env,
    );
  beforeEach(() => {
    root.write('etc/config/rollcall', ENABLED);
    root.write('etc/rc.d/S18rollcall-lock', '');
    root.write('lib/upgrade/keep.d/rollcall', '');
    root.program('bin/copy', '#!/bin/sh\n');
  });

  it('stops the agent before it copies, a backup does not', () => {
    expect(hook({ CONF_BACKUP: '/tmp/backup' }).status).toBe(0);
    expect(hook({ CONF_BACKUP_LIST: '1' }).status).toBe(0);
    expect(asked()).toEqual([]);
    expect(root.read('etc/init.d/rollcall-kept')).toBe('');
    expect(hook()).toMatchObject({ status: 0, err: '' });
    expect(asked()).toEqual(['rollcall stop']);
    const upgrade = readFileSync(join(FILES, 'rollcall.upgrade'), 'utf8');
    expect(upgrade).toMatch(/^sysupgrade_init_conffiles="rollcall_stop \$sysupgrade_init_conffiles"$/m);
  });

  it.each(['control.sock', 'other.sock'])('waits until the agent has closed its store: %s', async (name) => {
    root.write('etc/config/rollcall', ENABLED.replace('control.sock', name));
    await root.listen(`var/run/rollcall/${name}`);
    root.program('bin/sleep', '#!/bin/sh\necho sleep >>/tmp/sleeps\n');
    expect(hook()).toMatchObject({ status: 0, err: '' });
    expect(lines('tmp/sleeps').length).toBeGreaterThan(1);
  });

  it('keeps configuration, secrets, state and the locker', () => {
    expect(readFileSync(join(FILES, 'rollcall.keep'), 'utf8').split('\n')).toEqual([
      '/etc/config/rollcall',
      '/etc/rollcall/',
      '',
    ]);
    hook();
    const kept = lines('lib/upgrade/keep.d/rollcall-kept');
    expect(kept).toEqual([
      '/etc/rollcall/',
      '/etc/init.d/rollcall-kept',
      '/etc/rc.d/S18rollcall-kept',
      '/lib/upgrade/keep.d/rollcall-kept',
    ]);
    // Each is there by now, and the locker with them.
    for (const name of [...kept, '/etc/rollcall/kept/rollcall-lock'])
      expect(root.run(['/bin/ls', '-d', name]).status, name).toBe(0);
    const start = /^START=(\d+)$/m.exec(readFileSync(join(FILES, 'rollcall-lock.init'), 'utf8'))?.[1];
    expect(start).toBe('18');
  });

  it('an image without the package: the kept locker shuts the access ports, and says why', () => {
    hook();
    root.drop('usr/lib/rollcall');
    root.drop('etc/init.d/rollcall-lock');
    const { err, calls } = root.init('start', 'rollcall-kept');
    expect(err).toContain('is not installed any more');
    expect(serviceOf(calls).instance?.params.get('command')).toEqual([
      '/etc/rollcall/kept/rollcall-lock',
      'run',
      LOCK_FILE,
    ]);
    expect(lines('tmp/calls')).toEqual([`load ${LOCK_FILE}`]);
    expect(root.read(LOCK_FILE)).toContain('\nbridge br-lan\n');
    root.write('etc/config/rollcall', ENABLED.replace("enabled '1'", "enabled '0'"));
    expect(serviceOf(root.init('reload', 'rollcall-kept').calls).instance).toBeUndefined();
  });

  it('an image with the package: the kept locker does nothing, and is gone after the first boot', () => {
    hook();
    const { err, calls } = root.init('start', 'rollcall-kept');
    expect([err, serviceOf(calls).instance]).toEqual(['', undefined]);
    expect(root.run(['/bin/ash', '/etc/uci-defaults/60-rollcall'])).toMatchObject({ status: 0, err: '' });
    for (const name of KEPT) expect(root.read(name), name).toBe('');
    expect(root.read('etc/config/rollcall')).toBe(ENABLED);
  });

  it.each(MANAGERS)('the package is installed again, by %s: its own locker takes over', (manager) => {
    hook();
    root.write('tmp/inits', '');
    expect(root.manage(manager, 'install', scripts).status).toBe(0);
    expect(asked()).toEqual([
      'rollcall-kept stop',
      'rollcall enable',
      'rollcall start',
      'rollcall-lock enable',
      'rollcall-lock start',
    ]);
    expect(root.read('etc/init.d/rollcall-kept')).toBe('');
  });

  it.each(MANAGERS)(
    'given up, and the package removed by %s: nothing is left that shuts a port',
    (manager) => {
      hook();
      expect(root.read('etc/init.d/rollcall-kept')).not.toBe('');
      expect(root.manage(manager, 'remove', scripts).status).toBe(0);
      for (const name of KEPT) expect(root.read(name), name).toBe('');
    },
  );

  it('what cannot be kept is told', () => {
    root.write('etc/rollcall/kept', 'in the way');
    expect(hook().err).toContain('the locker cannot be kept');
  });
});
