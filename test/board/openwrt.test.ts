// The scripts of the OpenWrt package, in busybox's ash against stand-ins of OpenWrt's functions: what procd is told, what is left
// in the files, and that a fault changes nothing.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { lockFile } from '../../src/config/lock-file.ts';
import { yamlFromUci } from '../../src/uci/generate.ts';
import { describeUciFault } from '../../src/uci/places.ts';
import { OpenWrtRoot, serviceOf } from '../rigs/openwrt/root.ts';

const BOARD = join(import.meta.dirname, '../../board');
const FILES = join(BOARD, 'openwrt/rollcall/files');

const NETWORK = `
config interface 'loopback'
	option device 'lo'

config device
	option name 'br-lan'
	option type 'bridge'
	list ports 'lan1'
	list ports 'lan2'
	list ports 'eth0.1'

config device
	option name 'br-guests'
	option type 'bridge'
	list ports 'lan9'

config device
	option name 'lan1'
	option mtu '1500'

config interface 'lan'
	option device 'br-lan'

config interface 'wan'
	option device 'wan'
`;

const ENABLED = `
config switch 'main'
	option enabled '1'
	option id 'sw1'
	option bridge 'br-lan'
	option state_dir '/etc/rollcall/state'
	option control_socket '/var/run/rollcall/control.sock'

config server
	option address '192.0.2.10'
	option secret_file '/etc/certificates/secret'
`;

/** Beside a switch and a server. */
const LOCKED: Readonly<Record<string, string>> = {
  'no port': '',
  'ports by name, by glob, and in their order':
    "config port 'lan1'\nconfig port\n\toption name 'lan[2-4]'\n\toption control 'auto'\nconfig port 'lan3'\n\toption control 'off'\n",
  'several ports in one section':
    "config port\n\tlist name 'eth0.1'\n\tlist name 'lan?'\n\toption control 'force-unauthorized'\n",
  'several ports in one option':
    "config port\n\toption name 'lan1  lan*'\n\toption control 'force-authorized'\n",
  'a section that is disabled':
    "config port 'lan1'\n\toption disabled 'yes'\nconfig port 'lan2'\n\toption disabled 'off'\n",
  'another switch, disabled': "config switch\n\toption disabled '1'\n\toption bridge 'none'\n",
};

let root: OpenWrtRoot;
beforeEach(() => {
  root = new OpenWrtRoot();
  root.write('etc/config/network', NETWORK);
});
afterEach(() => root.remove());

it('every script is clean under shellcheck', () => {
  const scripts = ['rollcall.init', 'rollcall-lock.init', 'rollcall.defaults', 'rollcall.upgrade'].map(
    (name) => join(FILES, name),
  );
  const { status, stdout, error } = spawnSync('shellcheck', scripts, { encoding: 'utf8' });
  expect(error).toBeUndefined();
  expect(`${stdout}${status}`).toBe('0');
});

it('capabilities are two, and one more for the login page', () => {
  const sets = (name: string): Record<string, string[]> =>
    JSON.parse(readFileSync(join(FILES, name), 'utf8'));
  const kinds = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'];
  const wanted = (names: readonly string[]) => Object.fromEntries(kinds.map((kind) => [kind, names]));
  expect(sets('capabilities.json')).toEqual(wanted(['CAP_NET_ADMIN', 'CAP_NET_RAW']));
  expect(sets('capabilities-web.json')).toEqual(
    wanted(['CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE', 'CAP_NET_RAW']),
  );
});

describe('the first boot', () => {
  const firstBoot = () => root.run(['/bin/ash', '/etc/uci-defaults/60-rollcall']);

  it('fills in bridge, id and ports, and locks nobody out', () => {
    root.write('etc/config/system', "config system\n\toption hostname 'OpenWrt'\n");
    root.write('sys/class/net/lan1/address', '00:00:5e:0a:0b:0c\n');
    expect(firstBoot()).toMatchObject({ status: 0, err: '' });
    const made = yamlFromUci(
      `${root.read('etc/config/rollcall')}\nconfig server\n\toption address 192.0.2.10\n\toption secret x\n`,
      () => ok(''),
    );
    if (!made.ok) throw new Error(made.error.map(describeUciFault).join('\n'));
    const { config } = made.value;
    expect(config.switch).toMatchObject({ id: 'OpenWrt-0a0b0c', bridge: 'br-lan', uplinks: [] });
    expect(config.ports.map(({ pattern, control }) => [pattern, control])).toEqual([
      ['lan1', 'force-authorized'],
      ['lan2', 'force-authorized'],
      ['eth0.1', 'force-authorized'],
    ]);
    expect(config.stateDir).toBe('/etc/rollcall/state');
    expect(root.owned('etc/config/rollcall')).toBe('600 0:0');
    expect(serviceOf(root.init('start').calls).instance).toBeUndefined();
  });

  it('a second one changes nothing', () => {
    firstBoot();
    const before = root.read('etc/config/rollcall');
    expect(firstBoot().status).toBe(0);
    expect(root.read('etc/config/rollcall')).toBe(before);
  });

  it('a bridge that is named already is left alone', () => {
    root.write('etc/config/rollcall', ENABLED);
    expect(firstBoot().status).toBe(0);
    expect(root.read('etc/config/rollcall')).toBe(ENABLED);
  });

  it('a switch whose only bridge is filtering, with a VLAN as lan', () => {
    root.write(
      'etc/config/network',
      "config device 'switch'\n\toption name 'switch'\n\toption type 'bridge'\n\tlist ports 'lan1'\nconfig interface 'lan'\n\toption device 'switch.1'\n",
    );
    firstBoot();
    expect(root.read('etc/config/rollcall')).toContain("option bridge 'switch'");
  });

  it('where there is no bridge, nothing is filled in, and all ends well', () => {
    const before = root.read('etc/config/rollcall');
    root.write('etc/config/network', "config interface 'lan'\n\toption device 'eth0'\n");
    expect(firstBoot().status).toBe(0);
    expect(root.read('etc/config/rollcall')).toBe(before);
  });
});

describe('start', () => {
  it('is off until it is enabled, and makes nothing', () => {
    const { status, calls } = root.init('start');
    expect(status).toBe(0);
    expect(serviceOf(calls)).toEqual({ reloadTriggers: ['rollcall'], interfaceTriggers: [] });
    expect(root.read('tmp/calls')).toBe('');
  });

  it('describes the agent to procd', () => {
    root.write('etc/config/rollcall', ENABLED);
    const { status, err, calls } = root.init('start');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const { instance, reloadTriggers, interfaceTriggers } = serviceOf(calls);
    expect(Object.fromEntries(instance?.params ?? [])).toEqual({
      command: [
        '/usr/bin/node',
        '--max-semi-space-size=1',
        '--heap-growing-percent=20',
        '--compact-on-every-full-gc',
        '/usr/lib/rollcall/rollcall.js',
        'run',
        '-c',
        '/var/etc/rollcall/rollcall.yaml',
      ],
      respawn: ['3600', '5', '0'],
      term_timeout: ['30'],
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      limits: ['core=0 0', 'nofile=4096 65536'],
      stdout: ['1'],
      stderr: ['1'],
    });
    expect(instance?.jail).toBeUndefined();
    expect(reloadTriggers).toEqual(['rollcall']);
    expect(interfaceTriggers).toEqual([]);
    expect(root.read('tmp/uci.in')).toBe(ENABLED);
    expect(root.read('tmp/calls')).toBe('uci --to /var/etc/rollcall/rollcall.yaml\n');
    expect(root.owned('var/etc/rollcall/rollcall.yaml')).toBe('600 0:0');
    expect(root.owned('etc/rollcall/state')).toBe('700 0:0');
  });

  it("has the launcher's flags", () => {
    const launcher = /node}" (--.*?) "\$here/.exec(
      readFileSync(join(BOARD, 'bundle.mjs'), 'utf8').replaceAll('\\$', '$'),
    );
    expect(readFileSync(join(FILES, 'rollcall.init'), 'utf8')).toContain(`NODE_FLAGS="${launcher?.[1]}"`);
  });

  it('in a jail: its own user, its own files', () => {
    root.withJail();
    root.write('etc/config/rollcall', ENABLED);
    root.write('etc/certificates/secret', 's3\n');
    root.write('etc/rollcall/secret', 's3\n');
    root.write('etc/hosts', '127.0.0.1 localhost\n');
    root.run(['/bin/chmod', '600', '/etc/rollcall/secret']);
    root.write('etc/rollcall/state/accounting.mdb', '');
    const { instance, interfaceTriggers } = serviceOf(root.init('start').calls);
    // Name servers may come by any; loopback has none.
    expect(interfaceTriggers).toEqual(['lan', 'wan']);
    expect(Object.fromEntries(instance?.params ?? [])).toMatchObject({
      file: ['/etc/resolv.conf', '/etc/hosts', '/etc/certificates/secret'],
      user: ['rollcall'],
      group: ['rollcall'],
      capabilities: ['/etc/capabilities/rollcall.json'],
      no_new_privs: ['1'],
    });
    expect(instance?.jail).toEqual({
      words: ['rollcall', 'procfs', 'sysfs'],
      mounts: [
        '/usr/lib/rollcall',
        '/var/etc/rollcall',
        '/etc/rollcall',
        '/etc/hosts',
        '/usr/lib/rollcall/node_modules/pcap/build/Release/pcap_binding.node',
        '/usr/sbin/nft',
        '/etc/certificates/secret',
      ],
      writable: ['/var/run/rollcall', '/etc/rollcall/state'],
    });
    expect(root.owned('var/etc/rollcall/rollcall.yaml')).toBe('600 802:802');
    expect(root.owned('var/etc/rollcall')).toBe('755 0:0');
    expect(root.owned('var/run/rollcall')).toBe('750 802:802');
    expect(root.owned('etc/rollcall')).toBe('750 0:802');
    expect(root.owned('etc/rollcall/secret')).toBe('640 0:802');
    expect(root.owned('etc/rollcall/state/accounting.mdb')).toBe('644 802:802');
  });

  it('in a jail: what is replaced in the folder of secrets is seen, what is outside makes procd look', () => {
    root.withJail();
    root.write('etc/acme/web.key', 'k\n');
    root.write('etc/rollcall/web.pem', 'c\n');
    root.run(['/bin/ln', '-s', '/etc/acme/web.key', '/etc/rollcall/web.key']);
    root.write(
      'etc/config/rollcall',
      `${ENABLED}
config web 'page'
	option tls_cert_file '/etc/rollcall/web.pem'
	option tls_key_file '/etc/rollcall/web.key'
`,
    );
    const { instance } = serviceOf(root.init('start').calls);
    const files = instance?.params.get('file')?.slice(2);
    // A mount of the one file would stay what it was.
    expect(files).toEqual(['/etc/certificates/secret', '/etc/acme/web.key']);
    expect(instance?.jail?.mounts).toEqual(expect.arrayContaining(['/etc/rollcall', '/etc/acme/web.key']));
    expect(instance?.jail?.mounts.filter((name) => name.startsWith('/etc/rollcall/'))).toEqual([]);
  });

  it('in a jail, with a login page: port 80, too', () => {
    root.withJail();
    root.write('etc/config/rollcall', `${ENABLED}\nconfig web 'page'\n`);
    expect(serviceOf(root.init('start').calls).instance?.params.get('capabilities')).toEqual([
      '/etc/capabilities/rollcall-web.json',
    ]);
    root.write('etc/config/rollcall', `${ENABLED}\nconfig web 'page'\n\toption disabled '1'\n`);
    expect(serviceOf(root.init('start').calls).instance?.params.get('capabilities')).toEqual([
      '/etc/capabilities/rollcall.json',
    ]);
  });

  it('a link that the agent could have laid is not followed', () => {
    root.withJail();
    root.write('etc/config/rollcall', ENABLED);
    root.write('etc/shadow', 'root\n');
    root.write('etc/rollcall/state/x', '');
    root.run(['/bin/ln', '-s', '/etc/shadow', '/etc/rollcall/state/link']);
    root.init('start');
    expect(root.owned('etc/rollcall/state/x')).toBe('644 802:802');
    expect(root.owned('etc/shadow')).toBe('644 0:0');
  });

  it('a configuration with a fault: nothing is started, and each fault is told', () => {
    root.write('etc/config/rollcall', ENABLED);
    root.write(
      'tmp/faults',
      "rollcall: rollcall.lan1.mab_delay_s: 'soon' is not 0..3600 seconds\nrollcall: rollcall.x: another\n",
    );
    const { err, calls } = root.init('start');
    expect(serviceOf(calls).instance).toBeUndefined();
    expect(err).toContain("rollcall.lan1.mab_delay_s: 'soon' is not 0..3600 seconds\n");
    expect(err).toContain('rollcall.x: another\n');
    expect(err).toContain('is not taken over');
    expect(serviceOf(calls).reloadTriggers).toEqual(['rollcall']);
  });
});

describe('a fault, and an agent that runs', () => {
  const told = (action: string) => {
    root.write('etc/config/rollcall', ENABLED);
    root.write('tmp/running', '');
    root.write('tmp/faults', 'rollcall: rollcall.x: wrong\n');
    const { status, err, calls } = root.init(action);
    expect(status).not.toBe(0);
    expect(err).toContain('rollcall.x: wrong\n');
    return calls.map((words) => words.join(' '));
  };

  it('start: procd is told nothing that would end it', () => {
    expect(told('start')).toEqual(['open_service']);
  });

  it('restart: it is not stopped', () => expect(told('restart')).toEqual([]));

  it('reload: it is not stopped', () => expect(told('reload')).toEqual([]));

  it('restart without a fault: it is', () => {
    root.write('etc/config/rollcall', ENABLED);
    const { calls } = root.init('restart');
    expect(calls.map(([call]) => call).filter((call) => call?.endsWith('_service'))).toEqual([
      'delete_service',
      'open_service',
      'set_service',
    ]);
    expect(serviceOf(calls).instance).toBeDefined();
    expect(root.read('tmp/calls').trim().split('\n')).toHaveLength(1);
  });
});

describe('reload', () => {
  const running = async (): Promise<void> => {
    root.write('etc/config/rollcall', ENABLED);
    root.init('start');
    await root.listen('var/run/rollcall/control.sock');
  };
  const asked = (calls: readonly (readonly string[])[]) =>
    calls.filter(([call]) => /service|signal/.test(call ?? '')).map((words) => words.join(' '));

  it('what the agent can take over reaches it by SIGHUP; procd hears the same description', async () => {
    await running();
    const before = serviceOf(root.init('start').calls);
    root.write('tmp/answer', 'reload\n');
    const { calls } = root.init('reload');
    expect(asked(calls)).toEqual(['procd_send_signal rollcall * HUP', 'open_service', 'set_service']);
    expect(serviceOf(calls)).toEqual(before);
    expect(root.read('tmp/calls').trim().split('\n')).toHaveLength(3);
  });

  it('anything else restarts it', async () => {
    await running();
    const { calls } = root.init('reload');
    expect(asked(calls)).toEqual(['delete_service', 'open_service', 'set_service']);
    expect(serviceOf(calls).instance).toBeDefined();
  });

  it('one that is starting is left alone where it reads the same: lan has come up, say', () => {
    root.write('etc/config/rollcall', ENABLED);
    const before = serviceOf(root.init('start').calls);
    root.write('tmp/running', '');
    root.write('tmp/answer', 'reload\n');
    const { calls } = root.init('reload');
    expect(asked(calls)).toEqual(['open_service', 'set_service']);
    expect(serviceOf(calls)).toEqual(before);
  });

  it('one that is starting is restarted where it may have read another file: a signal would end it', () => {
    root.write('etc/config/rollcall', ENABLED);
    root.init('start');
    root.write('tmp/running', '');
    root.write('tmp/answer', 'reload\n');
    root.write('tmp/made', 'made of something else\n');
    expect(asked(root.init('reload').calls)).toEqual(['delete_service', 'open_service', 'set_service']);
  });

  it('one that does not run is started', () => {
    root.write('etc/config/rollcall', ENABLED);
    root.init('start');
    root.write('tmp/answer', 'reload\n');
    expect(asked(root.init('reload').calls)).toEqual(['delete_service', 'open_service', 'set_service']);
  });

  it('a fault leaves the running agent and its file alone', async () => {
    await running();
    root.write('tmp/faults', 'rollcall: rollcall.x: wrong\n');
    const { calls, err } = root.init('reload');
    expect(calls).toEqual([]);
    expect(err).toContain('rollcall.x: wrong');
    expect(root.read('var/etc/rollcall/rollcall.yaml')).toBe('made\n');
  });

  it('one that is no longer enabled is stopped, and changes are still heard of', async () => {
    await running();
    root.write('etc/config/rollcall', ENABLED.replace("enabled '1'", "enabled '0'"));
    const { calls } = root.init('reload');
    expect(asked(calls)).toEqual(['open_service', 'set_service']);
    expect(serviceOf(calls)).toEqual({ reloadTriggers: ['rollcall'], interfaceTriggers: [] });
  });
});

describe('the lock step', () => {
  it('nothing is shut while the agent is not enabled', () => {
    const { status, calls } = root.init('start', 'rollcall-lock');
    expect(status).toBe(0);
    expect(serviceOf(calls)).toEqual({ reloadTriggers: ['rollcall'], interfaceTriggers: [] });
    expect(root.read('tmp/calls')).toBe('');
  });

  it('comes before the network: the packet filter first, then who locks ports as they join', () => {
    root.write('etc/config/rollcall', ENABLED);
    const { instance } = serviceOf(root.init('start', 'rollcall-lock').calls);
    expect(root.read('tmp/calls')).toBe('load /var/run/rollcall-lock.conf\n');
    expect(Object.fromEntries(instance?.params ?? [])).toEqual({
      command: ['/usr/lib/rollcall/rollcall-lock', 'run', '/var/run/rollcall-lock.conf'],
      respawn: ['3600', '1', '0'],
      stderr: ['1'],
    });
    const begins = (name: string) =>
      Number(/^START=(\d+)$/m.exec(readFileSync(join(FILES, name), 'utf8'))?.[1]);
    const NETWORK_BEGINS = 20;
    expect(begins('rollcall-lock.init')).toBeLessThan(NETWORK_BEGINS);
    expect(begins('rollcall.init')).toBeGreaterThan(NETWORK_BEGINS);
  });

  const lockFileMade = () => {
    root.init('start', 'rollcall-lock');
    return root.read('var/run/rollcall-lock.conf').split('\n').slice(1);
  };

  it.each(Object.entries(LOCKED))('locks what the agent would: %s', (_, uci) => {
    root.write('etc/config/rollcall', `${ENABLED}${uci}`);
    root.write('lan1', 'a file is no port');
    const made = yamlFromUci(root.read('etc/config/rollcall'), () => ok('s3'));
    if (!made.ok) throw new Error(made.error.map(describeUciFault).join('\n'));
    expect(lockFileMade()).toEqual([...lockFile(made.value.config, '').split('\n').slice(1, -2), '']);
  });

  it.each(["\tlist uplinks 'lan8'\n\tlist uplinks 'eth*'\n", "\toption uplinks 'lan8 eth*'\n"])(
    'uplinks: %j',
    (uplinks) => {
      root.write('etc/config/rollcall', ENABLED.replace('\nconfig server', `${uplinks}\nconfig server`));
      expect(lockFileMade()).toEqual(['bridge br-lan', 'uplink lan8', 'uplink eth*', '']);
    },
  );

  it('no bridge of the kernel: nothing is locked', () => {
    root.write('etc/config/rollcall', ENABLED.replace("'br-lan'", "'br-lan'\n\toption backend 'sim'"));
    expect(lockFileMade()).toEqual(['']);
  });

  it('what is wrong in the configuration opens no port', () => {
    const wrong =
      "config port 'lan1'\n\toption control 'open'\nconfig port 'lan2'\n\toption disabled 'perhaps'\n";
    root.write('etc/config/rollcall', `${ENABLED}${wrong}`);
    expect(lockFileMade()).toEqual(['bridge br-lan', 'port lan1', 'port lan2', '']);
  });

  it('a change is taken over by the one that runs: it follows the file', () => {
    root.write('etc/config/rollcall', ENABLED);
    lockFileMade();
    root.write('etc/config/rollcall', `${ENABLED}config port 'lan7'\n`);
    expect(serviceOf(root.init('reload', 'rollcall-lock').calls).instance).toBeDefined();
    expect(root.read('var/run/rollcall-lock.conf')).toContain('\nport lan7\n');
  });

  it('is taken away when the agent is no longer enabled', () => {
    root.write('etc/config/rollcall', ENABLED.replace("enabled '1'", "enabled '0'"));
    const { calls } = root.init('reload', 'rollcall-lock');
    expect(serviceOf(calls)).toEqual({ reloadTriggers: ['rollcall'], interfaceTriggers: [] });
    expect(root.read('tmp/calls')).toBe('clear /var/run/rollcall-lock.conf\n');
  });
});

describe('the rest', () => {
  it('check tells, and changes nothing', () => {
    root.write('etc/config/rollcall', ENABLED);
    expect(root.init('check')).toMatchObject({ status: 0, out: 'ok: /etc/config/rollcall\n', calls: [] });
    root.write('tmp/faults', 'rollcall: rollcall.x: wrong\n');
    expect(root.init('check')).toMatchObject({
      status: 1,
      out: '',
      err: 'rollcall: rollcall.x: wrong\n',
      calls: [],
    });
    const made = 'uci --to /var/etc/rollcall/check.yaml\n';
    expect(root.read('tmp/calls')).toBe(`${made}check -c /var/etc/rollcall/check.yaml\n${made}`);
    expect(root.read('var/etc/rollcall/rollcall.yaml')).toBe('');
    expect(root.read('var/etc/rollcall/check.yaml')).toBe('');
  });
});
