// What is said of a bridge that is not there, on the file trees of several systems.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bridgeAbsence } from '../../src/io/dataplane/bridge-absence.ts';

const KERNEL = '6.12.0-test';
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rollcall-absence-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function file(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const said = (): string => bridgeAbsence('br0', KERNEL, root);

test('the name belongs to an interface that is no bridge', () => {
  file('sys/class/net/br0/ifindex', '7\n');
  expect(said()).toMatch(/br0 is no bridge but another kind of interface/);
});

test('the module is loaded, and nobody has made the bridge', () => {
  file('sys/module/bridge/version', '2.3\n');
  expect(said()).toBe(
    'the bridge br0 is not there, and is waited for: nothing has made it yet (by hand: ip link add br0 type bridge)',
  );
});

test('it is built in', () => {
  file(`lib/modules/${KERNEL}/modules.builtin`, 'kernel/net/802/stp.ko\nkernel/net/bridge/bridge.ko\n');
  expect(said()).toMatch(/nothing has made it yet/);
});

test('the module is there and not loaded', () => {
  file(
    `lib/modules/${KERNEL}/modules.dep`,
    'kernel/net/bridge/br_netfilter.ko.xz: x\nkernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz\n',
  );
  expect(said()).toMatch(/installed and not loaded yet: .*modprobe bridge/);
});

test('the kernel has modules, and not this one', () => {
  file(
    `lib/modules/${KERNEL}/modules.dep`,
    'kernel/net/bridge/br_netfilter.ko: kernel/net/bridge/bridge2.ko\n',
  );
  expect(said()).toMatch(/module bridge is missing in \/lib\/modules\/6\.12\.0-test: install it/);
});

test('the kernel runs without any of its modules, after an upgrade say', () => {
  file('lib/modules/6.12.1-test/modules.dep', 'kernel/net/bridge/bridge.ko:\n');
  expect(said()).toMatch(/no modules of this kernel in \/lib\/modules\/6\.12\.0-test/);
});

test('modules cannot be seen from here', () => {
  expect(said()).toMatch(
    /module bridge is not loaded: whoever makes the bridge loads it, where it is installed/,
  );
});
