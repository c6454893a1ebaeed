// What rollcall-lock goes by before the agent is there (native/lock/lock-file.h has the format): which ports are access ports.
// No secret is in it. For a backend that is not the kernel's bridge it names no bridge, and then nothing is locked.
//
// It bears the digest of the text that it was made of, so that who finds it at a boot can tell whether the configuration has been
// changed since, by hand and without the agent (board/dent/lock-file.sh).

import { sha256Hex } from '../base/hash.ts';
import type { Config } from './config.ts';

export const LOCK_FILE = 'lock.conf';

/** `text` is what the configuration was read from. */
export function lockFile({ backend, switch: device, ports }: Config, text: string): string {
  const lines = [
    '# What rollcall-lock shuts before the agent runs. Made from the configuration: do not edit.',
    `# sha256 of that: ${sha256Hex(text)}`,
    ...(backend === 'switchdev' ? [`bridge ${device.bridge}`] : []),
    ...device.uplinks.map((pattern) => `uplink ${pattern}`),
    ...ports.map(({ pattern, control }) => `port ${pattern}${control === undefined ? '' : ` ${control}`}`),
  ];
  return `${lines.join('\n')}\n`;
}
