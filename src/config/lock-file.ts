// What rollcall-lock goes by before the agent is there (native/lock/lock-file.h has the format): which ports are access ports.
// No secret is in it. For a backend that is not the kernel's bridge it names no bridge, and then nothing is locked.
//
// It bears the digest of the text that it was made of, so that who finds it at a boot can tell whether the configuration has been
// changed since, by hand and without the agent (board/dent/lock-file.sh).

import { globMatches } from '../base/glob.ts';
import { sha256Hex } from '../base/hash.ts';
import type { Config } from './config.ts';

export const LOCK_FILE = 'lock.conf';
/**
 * What the agent itself went by when it last ran. The other one may be made anew for another bridge before the agent starts
 * (`check --write-lock`, board/dent/lock-file.sh), and this says then where it has left grants.
 */
export const OWN_LOCK_FILE = 'served.conf';

/** `text` is what the configuration was read from. */
export function lockFile({ backend, switch: device, ports }: Config, text: string): string {
  const lines = [
    '# What rollcall-lock shuts before the agent runs. Made from the configuration: do not edit.',
    ...(backend === 'switchdev' ? [`bridge ${device.bridge}`] : []),
    ...device.uplinks.map((pattern) => `uplink ${pattern}`),
    ...ports.map(({ pattern, control }) => `port ${pattern}${control === undefined ? '' : ` ${control}`}`),
    // Last: a file that was cut off has none, and is made anew.
    `# sha256 of the configuration: ${sha256Hex(text)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** What a lock file says, as rollcall-lock reads it. */
export interface LockRules {
  /** Absent: nothing is locked. */
  readonly bridge?: string;
  /** The port is an access port: a later line wins, an uplink's over all. */
  readonly locks: (port: string) => boolean;
}

export function readLockFile(text: string): LockRules {
  const lines = text.split('\n').map((line) => line.split(' '));
  const bridge = lines.find(([verb]) => verb === 'bridge')?.[1];
  const locks = (port: string): boolean => {
    const fitting = lines.filter(([, pattern]) => pattern !== undefined && globMatches(pattern, port));
    if (fitting.some(([verb]) => verb === 'uplink')) return false;
    const controls = fitting.filter(([verb]) => verb === 'port').map(([, , control]) => control);
    const said = controls.findLast((control) => control !== undefined);
    return controls.length > 0 && said !== 'off' && said !== 'force-authorized';
  };
  return { ...(bridge === undefined ? {} : { bridge }), locks };
}
