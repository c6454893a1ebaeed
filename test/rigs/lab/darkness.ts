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

/** Connections to this TCP port are reset when they are next used, and new ones are refused, until the returned call. */
export function sever(netns: Netns, port: number): Promise<() => Promise<void>> {
  return rule(netns, `severed_${port}`, `tcp dport ${port} reject with tcp reset`);
}

async function rule(netns: Netns, table: string, text: string): Promise<() => Promise<void>> {
  await netns.must(['nft', '-f', '-'], {
    input: `add table inet ${table}\nadd chain inet ${table} in { type filter hook input priority 0; }\nadd rule inet ${table} in ${text}\n`,
  });
  return async () => {
    await netns.must(['nft', 'delete', 'table', 'inet', table]);
  };
}
