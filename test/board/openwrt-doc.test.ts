// docs/install-openwrt.md, tried as far as it goes without OpenWrt: its commands in busybox's ash against the stand-ins, from the
// package as it lands on a switch to a configuration that protects the port; and each place of the file system that it names.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { lockFile } from '../../src/config/lock-file.ts';
import { portSettings } from '../../src/config/ports.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { yamlFromUci } from '../../src/uci/generate.ts';
import { describeUciFault } from '../../src/uci/places.ts';
import { OpenWrtRoot } from '../rigs/openwrt/root.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOC = readFileSync(join(ROOT, 'docs/install-openwrt.md'), 'utf8');
const MAKEFILE = readFileSync(join(ROOT, 'board/openwrt/rollcall/Makefile'), 'utf8');

const NETWORK = `
config device
	option name 'br-lan'
	option type 'bridge'
	list ports 'lan3'
	list ports 'lan8'

config interface 'lan'
	option device 'br-lan'
`;

/** The indented blocks under a heading. */
function blocks(heading: string): readonly string[] {
  const chapter = DOC.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...chapter.matchAll(/(?<=\n\n)(?: {4}.*\n)+/g)].map(([block]) => block.replace(/^ {4}/gm, ''));
}

/** Commands in its sentences that begin so. */
function commands(program: string): readonly string[] {
  return [...DOC.matchAll(/`([^`]+)`/g)]
    .map(([, span = '']) => span)
    .filter((span) => span.startsWith(`${program} `));
}

let root: OpenWrtRoot;
beforeEach(() => {
  root = new OpenWrtRoot();
  root.write('etc/config/network', NETWORK);
  // What the package makes, and what procd does when it is told that a configuration has changed.
  root.write('etc/rollcall/.keep', '');
  root.program(
    'sbin/reload_config',
    '#!/bin/sh\nfor name in rollcall-lock rollcall; do /etc/init.d/$name reload; done\n',
  );
  root.program('usr/sbin/rollcall', '#!/bin/sh\necho "$*" >>/tmp/asked\n');
  expect(root.run(['/bin/ash', '/etc/uci-defaults/60-rollcall'])).toMatchObject({ status: 0, err: '' });
});
afterEach(() => root.remove());

function configuration() {
  const made = yamlFromUci(root.read('etc/config/rollcall'), (path) => ok(root.read(path)));
  if (!made.ok) throw new Error(made.error.map(describeUciFault).join('\n'));
  return made.value.config;
}

const shell = (line: string) => root.run(['/bin/ash', '-e', '-c', line]);

it('its commands protect the first port, and no other', () => {
  const [protect = ''] = blocks('Protect the first port');
  const { status, err, calls } = shell(protect);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const config = configuration();
  const control = (name: string) => portSettings(config, name as PortName).control;
  expect([control('lan3'), control('lan8')]).toEqual(['auto', 'force-authorized']);
  expect(
    config.radius.servers.map(({ address, secret }) => [address, Buffer.from(secret).toString()]),
  ).toEqual([['192.0.2.10', 'the-secret-of-this-switch']]);
  expect(root.owned('etc/rollcall/secret')).toMatch(/^6[04]0 /);
  expect(calls.filter(([call]) => call === 'procd_open_instance')).toHaveLength(2);
  expect(root.read('var/run/rollcall-lock.conf').split('\n').slice(1)).toEqual([
    ...lockFile(config, '').split('\n').slice(1, -2),
    '',
  ]);
});

it('what it says beside holds: an uplink, a broker', () => {
  const said = commands('uci').filter((line) => !line.includes('show'));
  expect(said.length).toBeGreaterThan(3);
  const [protect = ''] = blocks('Protect the first port');
  expect(shell(`${protect}\n${said.join('\n')}\nuci commit rollcall`)).toMatchObject({ status: 0, err: '' });
  const config = configuration();
  expect(config.switch.uplinks).toEqual(['lan8']);
  expect(config.ports.map(({ pattern }) => pattern)).toEqual(['lan3']);
  expect(config.mqtt.url).toBe('mqtt://192.0.2.20:1883');
});

it('the faults that it shows are told so', () => {
  const [, , shown = ''] = blocks('Protect the first port');
  const uci = `${root.read('etc/config/rollcall')}
config server
	option address '192.0.2.10'
	option adress '192.0.2.11'
	option secret 'x'
`.replace(/(config port 'lan3'\n)/, "$1\toption mab_delay_s 'soon'\n");
  const made = yamlFromUci(uci, () => ok('s'));
  expect(made.ok ? [] : made.error.map(describeUciFault).sort()).toEqual(shown.trim().split('\n').sort());
});

it("places that it names are the package's, or made by it", () => {
  const named = [...DOC.matchAll(/\/(?:etc|var|usr|lib)\/[\w./-]*[\w]/g)].map(([name]) => name);
  const made = [
    '/etc/rollcall/secret',
    '/etc/rollcall/state',
    '/etc/rollcall/kept',
    '/etc/init.d/rollcall-kept',
    '/var/run/rollcall-lock.conf',
  ];
  const ours = named.filter((name) => /rollcall/.test(name) && !made.includes(name));
  expect(ours.length).toBeGreaterThan(5);
  const lost = ours.filter((name) => !MAKEFILE.includes(name) && !existsSync(join(root.folder, name)));
  expect(lost).toEqual([]);
});
