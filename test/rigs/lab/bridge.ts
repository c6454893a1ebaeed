// What the kernel says of the bridge br0 of a switch, in a namespace here or on a machine of its own.

interface Host {
  must(argv: readonly string[]): Promise<string>;
}

export interface FdbEntry {
  readonly mac: string;
  readonly ifname: string;
  readonly vlan?: number;
  readonly flags: readonly string[];
  readonly state: string;
}

/** Its table: entries of `mac` on any port, or all that are not the bridge's own. */
export async function tableOf(host: Host, mac?: string): Promise<readonly FdbEntry[]> {
  const all: readonly FdbEntry[] = JSON.parse(await host.must(['bridge', '-j', 'fdb', 'show', 'br', 'br0']));
  return all.filter((entry) => (mac === undefined ? entry.state !== 'permanent' : entry.mac === mac));
}

/** Of a port, as `bridge -d link` has them: locked, learning, mab, ... */
export async function flagsOf(host: Host, port: string): Promise<Readonly<Record<string, unknown>>> {
  const [facts] = JSON.parse(await host.must(['bridge', '-j', '-d', 'link', 'show', 'dev', port]));
  return facts;
}
