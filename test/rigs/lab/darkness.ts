// Takes UDP or TCP ports off the switch's loopback for a while: what is sent there is lost, and nobody is told so.

import type { Netns } from './netns.ts';

/** Packets to these ports vanish until the returned call. */
export async function darken(
  netns: Netns,
  protocol: 'udp' | 'tcp',
  ports: readonly number[],
): Promise<() => Promise<void>> {
  const table = `dark_${protocol}_${ports.join('_')}`;
  await netns.must(['nft', '-f', '-'], {
    input: `add table inet ${table}\nadd chain inet ${table} in { type filter hook input priority 0; }\nadd rule inet ${table} in ${protocol} dport { ${ports.join(', ')} } drop\n`,
  });
  return async () => {
    await netns.must(['nft', 'delete', 'table', 'inet', table]);
  };
}
