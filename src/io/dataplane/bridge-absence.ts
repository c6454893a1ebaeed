// Why there is no bridge, for whoever has to bring it: nothing has made it yet, its name belongs to something else, or the
// kernel cannot make one. Looks at files alone and changes nothing.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';

/** A sentence without a full stop. `root` has sys and lib, another one in tests. */
export function bridgeAbsence(bridge: string, kernel: string = release(), root = '/'): string {
  const waited = `the bridge ${bridge} is not there, and is waited for`;
  if (existsSync(join(root, 'sys/class/net', bridge)))
    return `${waited}: ${bridge} is no bridge but another kind of interface; name the bridge in switch.bridge, or give it this name`;
  // Modules and what is built in have a folder alike, if only they have a version; the kernel's bridge has one.
  if (existsSync(join(root, 'sys/module/bridge')))
    return `${waited}: nothing has made it yet (by hand: ip link add ${bridge} type bridge)`;
  const all = folder(join(root, 'lib/modules'));
  // As in the sandbox of our own service (ProtectKernelModules): `rollcall check`, by root, sees more.
  if (all.length === 0)
    return `${waited}: the kernel module bridge is not loaded: whoever makes the bridge loads it, where it is installed for ${kernel} (Debian: linux-image-${kernel}; OpenWrt: a kernel with CONFIG_BRIDGE)`;
  const modules = join(root, 'lib/modules', kernel);
  if (!all.includes(kernel))
    return `${waited}: the kernel module bridge is not loaded, and there are no modules of this kernel in /lib/modules/${kernel}: install those of ${kernel}, or start the kernel whose modules are there`;
  if (lists(join(modules, 'modules.builtin')))
    return `${waited}: nothing has made it yet (by hand: ip link add ${bridge} type bridge)`;
  if (lists(join(modules, 'modules.dep')))
    return `${waited}: the kernel module bridge is installed and not loaded yet: whoever makes the bridge loads it (by hand: modprobe bridge)`;
  return `${waited}: the kernel module bridge is missing in /lib/modules/${kernel}: install it (Debian: linux-image-${kernel}; OpenWrt: a kernel with CONFIG_BRIDGE)`;
}

function folder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Module files may be compressed: bridge.ko, bridge.ko.xz, bridge.ko.zst. */
function lists(file: string): boolean {
  try {
    return /(^|\/)bridge\.ko(\.\w+)?(:|$)/m.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
