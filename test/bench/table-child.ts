// Inside the bench's namespace: grants, dumps and the pass over 10,000 sessions' handshakes, as the agent does them.
// argv: the library, the bridge, the number of grants. Prints one JSON object; times in microseconds, best of ROUNDS.

import { type Mac, macFromNumber, macToNumber } from '../../src/base/mac.ts';
import { type Instant, instant } from '../../src/base/time.ts';
import { PortAuth } from '../../src/io/dataplane/portauth.ts';
import { Handshake } from '../../src/liveness/handshake.ts';
import { HANDSHAKE_DEFAULTS } from '../../src/liveness/settings.ts';
import type { GrantKey } from '../../src/model/dataplane.ts';
import { forEachEntry } from '../../src/wire/fdb-table.ts';

const ROUNDS = 10;
const [library = '', bridge = '', count = '10000'] = process.argv.slice(2);
const opened = PortAuth.open({ library, spec: bridge });
if (!opened.ok) throw new Error(opened.error);
const portauth = opened.value;
const ports = portauth.ports().map(({ name }) => name);
const first = macToNumber('02:10:00:00:00:00' as Mac);
const keys: GrantKey[] = Array.from({ length: Number(count) }, (_, i) => ({
  mac: macFromNumber(first + i),
  port: ports[i % ports.length] as GrantKey['port'],
  vlan: 0,
}));

function best(act: () => void, between: () => void = () => undefined): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    act();
    least = Math.min(least, (performance.now() - start) * 1000);
    between();
  }
  return Math.round(least);
}

const grant = (): void => {
  const failed = portauth.grant(keys).find(({ ok }) => !ok);
  if (failed !== undefined && !failed.ok) throw new Error(failed.error);
};
const grants = best(grant, () => void portauth.revoke(keys));
grant();

const clock = (): Instant => instant(performance.now());
const sessions = new Map(
  keys.map(({ mac }) => [macToNumber(mac), new Handshake(HANDSHAKE_DEFAULTS, clock())]),
);
let heard = 0;
const sweep = best(() => {
  const dump = portauth.dump(clock);
  if (!dump.ok) throw new Error(dump.error);
  const end = dump.value.at + dump.value.tookMs;
  heard = 0;
  forEachEntry(dump.value.records, (mac48, _vlan, _ifindex, _flags, idleMs) => {
    const session = sessions.get(mac48);
    if (session === undefined) return;
    session.evidence((end - idleMs) as Instant, 'fdb');
    heard++;
  });
});
portauth.close();
process.stdout.write(`${JSON.stringify({ grants, sweep, heard })}\n`);
