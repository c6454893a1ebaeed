// Takes UDP or TCP ports off the switch's loopback for a while: what is sent there is lost and nobody is told so, or every
// connection is reset.

import type { Netns } from './netns.ts';

/** Packets to these ports vanish until the returned call. */
export function darken(
  netns: Netns,
  protocol: 'udp' | 'tcp',
  ports: readonly number[],
): Promise<() => Promise<void>> {
  const which = `${protocol} dport { ${ports.join(', ')} }`;
  return rule(netns, `dark_${protocol}_${ports.join('_')}`, `${which} drop`);
}

/** So many percent of the packets to and from these UDP ports vanish, each by chance, until the returned call. */
export function lose(netns: Netns, percent: number, ports: readonly number[]): Promise<() => Promise<void>> {
  const chance = `numgen random mod 100 < ${percent} drop`;
  const which = `{ ${ports.join(', ')} }`;
  return rule(netns, 'lossy', `udp dport ${which} ${chance}`, `udp sport ${which} ${chance}`);
}

/** Connections to this TCP port are reset when they are next used, and new ones are refused, until the returned call. */
export function sever(netns: Netns, port: number): Promise<() => Promise<void>> {
  return rule(netns, `severed_${port}`, `tcp dport ${port} reject with tcp reset`);
}

async function rule(netns: Netns, table: string, ...texts: readonly string[]): Promise<() => Promise<void>> {
  const lines = [
    `add table inet ${table}`,
    `add chain inet ${table} in { type filter hook input priority 0; }`,
    ...texts.map((text) => `add rule inet ${table} in ${text}`),
  ];
  await netns.must(['nft', '-f', '-'], { input: `${lines.join('\n')}\n` });
  return async () => {
    await netns.must(['nft', 'delete', 'table', 'inet', table]);
  };
}
