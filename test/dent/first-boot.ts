// An image that is built with package and configuration, and without the RADIUS server's secret, which comes later: so the agent
// has never run there, and cannot yet. Whatever makes its network finds the ports shut, at the first boot, and at one after a
// change by hand.

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { CONFIG, configured, LOCK_FILE } from '../rigs/dent/configuration.ts';
import { Debian } from '../rigs/dent/debian.ts';
import { ping } from '../rigs/lab/client.ts';
import { LabSwitch, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';

/** Ordered as systemd-networkd is; what it finds before it begins is kept. */
const NETWORK = `[Unit]
After=network-pre.target
Before=network.target
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'nft list tables >/run/tables'
ExecStart=/bin/sh -c 'ip link add br0 type bridge; for port in up0 p1 p2; do ip link set $port master br0; done; ip link set br0 up'
[Install]
WantedBy=multi-user.target
`;

export async function firstBoot(deb: string, say: (text: string) => void): Promise<void> {
  const lab = await LabSwitch.create({ ports: 2 });
  const debian = await Debian.create(lab.netns);
  const boot = async (): Promise<void> => {
    await lab.netns.ip('link del br0');
    await debian.boot(['rollcall.service']);
    assert.match(await debian.must('cat /run/tables'), /^table bridge rollcall_lock_br0$/m);
    assert.equal((await debian.run('systemctl is-active rollcall')).stdout.trim(), 'failed');
  };
  const isLocked = async (port: string): Promise<boolean> => (await lab.portFlags(port)).locked === true;
  const lockFileFrom = async (): Promise<number> => Number(await debian.must(`stat -c %i ${LOCK_FILE}`));
  try {
    copyFileSync(deb, debian.file('root/first.deb'));
    await debian.offline('dpkg --install /root/first.deb');
    const config = debian.file(CONFIG);
    writeFileSync(config, configured(readFileSync(config, 'utf8')));
    writeFileSync(debian.file('etc/systemd/system/network.service'), NETWORK);
    await debian.offline('systemctl enable rollcall network');
    assert.equal(existsSync(debian.file(LOCK_FILE)), false);
    await boot();
    await until('the ports to be locked', async () => (await isLocked('p1')) && (await isLocked('p2')));
    assert.equal(await ping(lab.client(1), UPLINK_IPV4), false);
    say(
      'an image that was configured and never ran: shut before the network at its first boot, without the agent',
    );

    const file = await lockFileFrom();
    await debian.powerOff();
    await boot();
    assert.equal(await lockFileFrom(), file, 'made again without need');
    await debian.powerOff();
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('"p*": {control: auto}', '"p1": {control: auto}'),
    );
    await boot();
    await until('p1 to be locked', () => isLocked('p1'));
    assert.equal(await isLocked('p2'), false);
    assert.equal(await ping(lab.client(1), UPLINK_IPV4), false);
    say('its configuration is changed by hand while it is off: the next boot goes by that');

    await debian.powerOff();
    await debian.offline(
      'rm -r /var/lib/rollcall && rollcall check --write-lock || test -f /var/lib/rollcall/lock.conf',
    );
    const made = statSync(debian.file(LOCK_FILE)).ino;
    await boot();
    await until('p1 to be locked', () => isLocked('p1'));
    assert.equal(await lockFileFrom(), made, 'made again without need');
    say('the lock file is made with the image, by root: the first boot takes it as it is');
  } finally {
    await debian.close();
    await lab.close();
  }
}
