// What rollcall-lock goes by before the agent is there (native/lock/lock-file.h has the format): which ports are access ports.
// No secret is in it. For a backend that is not the kernel's bridge it names no bridge, and then nothing is locked.

import type { Config } from './config.ts';

export function lockFile({ backend, switch: device, ports }: Config): string {
  const lines = [
    '# What rollcall-lock shuts before the agent runs. The agent makes it from its configuration: do not edit.',
    ...(backend === 'switchdev' ? [`bridge ${device.bridge}`] : []),
    ...device.uplinks.map((pattern) => `uplink ${pattern}`),
    ...ports.map(({ pattern, control }) => `port ${pattern}${control === undefined ? '' : ` ${control}`}`),
  ];
  return `${lines.join('\n')}\n`;
}
