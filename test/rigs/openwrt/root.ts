// A root folder with busybox's ash, OpenWrt's functions as stand-ins, and our own files where the package puts them.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const HERE = import.meta.dirname;
const FILES = join(HERE, '../../../board/openwrt/rollcall/files');

const APPLETS =
  'ash awk cat chgrp chmod chown cp cut echo env find grep head ln logger ls mkdir mv readlink rm sed sh sort tail touch tr true';

/** As procd would hear of it. */
export interface Service {
  /** Absent: no instance, or the service is not set. */
  readonly instance?: Instance;
  readonly reloadTriggers: readonly string[];
  readonly interfaceTriggers: readonly string[];
}

export interface Instance {
  /** By name, words as they are. */
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly jail?: {
    readonly words: readonly string[];
    readonly mounts: readonly string[];
    readonly writable: readonly string[];
  };
}

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  /** What procd was asked, in order: its function's name and words. */
  readonly calls: readonly (readonly string[])[];
}

export class OpenWrtRoot {
  readonly folder = mkdtempSync(join(tmpdir(), 'rollcall-openwrt-'));
  private readonly servers: Server[] = [];

  constructor() {
    for (const name of [
      'bin',
      'dev',
      'etc/config',
      'etc/init.d',
      'etc/capabilities',
      'sbin',
      'sys/class/net',
      'tmp',
      'usr/sbin',
    ])
      mkdirSync(join(this.folder, name), { recursive: true });
    symlinkSync('tmp', join(this.folder, 'var'));
    const busybox = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? '';
    copyFileSync(busybox, join(this.folder, 'bin/busybox'));
    for (const applet of APPLETS.split(' ')) symlinkSync('busybox', join(this.folder, 'bin', applet));
    // Nothing here comes about by waiting.
    this.program('bin/sleep', '#!/bin/sh\n');
    this.copy('etc/rc.common', join(HERE, 'rc.common'));
    this.copy('lib/functions.sh', join(HERE, 'functions.sh'));
    this.copy('sbin/uci', join(HERE, 'uci'));
    this.copy('usr/lib/rollcall/rollcall', join(HERE, 'rollcall'));
    this.copy('usr/lib/rollcall/rollcall-lock', join(HERE, 'rollcall'));
    this.copy('etc/init.d/rollcall', join(FILES, 'rollcall.init'));
    this.copy('etc/init.d/rollcall-lock', join(FILES, 'rollcall-lock.init'));
    this.copy('etc/uci-defaults/60-rollcall', join(FILES, 'rollcall.defaults'));
    this.copy('lib/upgrade/rollcall.sh', join(FILES, 'rollcall.upgrade'));
    this.copy('etc/config/rollcall', join(FILES, 'rollcall.config'));
    this.write(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/ash\nrollcall:x:802:802:rollcall:/var/run/rollcall:/bin/false\n',
    );
    this.write('etc/group', 'root:x:0:\nrollcall:x:802:\n');
    this.write('tmp/answer', 'restart\n');
    this.write('tmp/made', 'made\n');
  }

  /** With ujail, and a package's files for it. */
  withJail(): this {
    this.write('sbin/ujail', '');
    chmodSync(this.path('sbin/ujail'), 0o755);
    for (const name of ['capabilities.json', 'capabilities-web.json'])
      this.copy(`etc/capabilities/${name.replace('capabilities', 'rollcall')}`, join(FILES, name));
    this.write('usr/sbin/nft', '');
    this.write('usr/lib/rollcall/node_modules/pcap/build/Release/pcap_binding.node', '');
    return this;
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** One that can be run. */
  program(name: string, text: string): void {
    this.write(name, text);
    chmodSync(this.path(name), 0o755);
  }

  drop(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }

  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : '';
  }

  /** `755 802:802`. */
  owned(name: string): string {
    const { mode, uid, gid } = statSync(this.path(name));
    return `${(mode & 0o777).toString(8)} ${uid}:${gid}`;
  }

  /** As if an agent listened there. */
  async listen(name: string): Promise<void> {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    const server = createServer();
    this.servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(this.path(name), resolve);
    });
  }

  init(action: string, service: 'rollcall' | 'rollcall-lock' | 'rollcall-kept' = 'rollcall'): Ran {
    return this.run(['/bin/ash', '/etc/rc.common', `/etc/init.d/${service}`, action]);
  }

  run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
    rmSync(this.path('tmp/procd'), { force: true });
    const done = spawnSync('chroot', [this.folder, ...command], {
      encoding: 'utf8',
      env: { PATH: '/bin:/sbin:/usr/sbin', ...env },
      timeout: 30_000,
    });
    if (done.error !== undefined) throw done.error;
    const calls = this.read('tmp/procd')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
    return { status: done.status, out: done.stdout, err: done.stderr, calls };
  }

  /** By opkg or apk, with the package's own scripts of this folder (`make scripts` of its Makefile). */
  manage(manager: 'opkg' | 'apk', what: 'install' | 'upgrade' | 'remove', scripts: string): Ran {
    this.copy('tmp/package-manager', join(HERE, 'package-manager'));
    for (const name of ['postinst-pkg', 'prerm-pkg']) this.copy(`tmp/package/${name}`, join(scripts, name));
    return this.run(['/bin/ash', '/tmp/package-manager', manager, what]);
  }

  remove(): void {
    for (const server of this.servers) server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private copy(name: string, from: string): void {
    this.program(name, readFileSync(from, 'utf8'));
  }

  private path(name: string): string {
    return join(this.folder, name);
  }
}

/** The last service that these calls set. */
export function serviceOf(calls: Ran['calls']): Service {
  const begun = calls.map(([call]) => call).lastIndexOf('open_service');
  const said = calls.slice(begun);
  const words = (name: string) => said.filter(([call]) => call === name).map(([, ...rest]) => rest);
  const jail = words('procd_add_jail')[0];
  const instance: Instance = {
    params: new Map(words('procd_set_param').map(([name = '', ...rest]) => [name, rest])),
    ...(jail === undefined
      ? {}
      : {
          jail: {
            words: jail,
            mounts: words('procd_add_jail_mount').flat(),
            writable: words('procd_add_jail_mount_rw').flat(),
          },
        }),
  };
  return {
    ...(words('procd_open_instance').length === 0 ? {} : { instance }),
    reloadTriggers: words('procd_add_reload_trigger').flat(),
    interfaceTriggers: words('procd_add_reload_interface_trigger').flat(),
  };
}
