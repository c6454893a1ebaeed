// A PortAuth inside a namespace, told what to do a JSON line each: {"call": NAME, "args": [...]} is answered by
// {"answer": ...}; events come as {"event": ...} in between. `entries` is a dump, decoded; `mark` answers when the
// events that have happened are told; `race` and `measure` do many things in one. argv: the library, the spec.

import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Mac } from '../../../src/base/mac.ts';
import { instant } from '../../../src/base/time.ts';
import { PortAuth } from '../../../src/io/dataplane/portauth.ts';
import type { GrantKey, PortName } from '../../../src/model/dataplane.ts';
import { decodeEntries, isOpenEntry } from '../../../src/wire/fdb-table.ts';

function tell(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [library = '', spec = ''] = process.argv.slice(2);
const opened = PortAuth.open({ library, spec });
if (!opened.ok) {
  tell({ refused: opened.error });
  process.exit(1);
}
const portauth = opened.value;
portauth.onEvents((events) => {
  for (const event of events) tell({ event });
});

const clock = () => instant(performance.now());

function entries() {
  const dump = portauth.dump(clock);
  if (!dump.ok) throw new Error(dump.error);
  return decodeEntries(dump.value.records);
}

function macNumber(i: number): string {
  return `${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`;
}

/** Grants and revokes MACs 0..count of the flooder, `rounds` times; counts what was open after each round. */
async function race(port: PortName, count: number, rounds: number, single: boolean) {
  const keys: readonly GrantKey[] = Array.from({ length: count }, (_, i) => ({
    mac: `02:f1:00:00:${macNumber(i)}` as Mac,
    port,
    vlan: 0,
  }));
  const told = { revoked: 0, failed: [] as string[], openAfterwards: 0 };
  for (let round = 0; round < rounds; round++) {
    const done = [
      ...portauth.grant(keys),
      ...(single ? keys.flatMap((key) => portauth.revoke([key])) : portauth.revoke(keys)),
    ];
    for (const result of done) if (!result.ok) told.failed.push(result.error);
    told.revoked += count;
    told.openAfterwards += entries().filter((entry) => isOpenEntry(entry.flags)).length;
    await pause(0);
  }
  return told;
}

/** Milliseconds for `count` grants, dumps and revocations: the best of `rounds`. */
function measure(port: PortName, count: number, rounds: number) {
  const keys = Array.from({ length: count }, (_, i) => ({
    mac: `02:f2:00:00:${macNumber(i)}` as Mac,
    port,
    vlan: 0,
  }));
  const best = { grant: Infinity, dump: Infinity, revoke: Infinity };
  const time = (what: keyof typeof best, act: () => unknown): void => {
    const start = performance.now();
    act();
    best[what] = Math.min(best[what], performance.now() - start);
  };
  for (let round = 0; round < rounds; round++) {
    time('grant', () => portauth.grant(keys));
    for (let n = 0; n < 5; n++) time('dump', () => portauth.dump(clock));
    time('revoke', () => portauth.revoke(keys));
  }
  return best;
}

/** The test on the other side is typed; here arguments are taken as they come. */
async function obey(call: string, args: readonly [never, never, never, never]): Promise<unknown> {
  const [first, second, third, fourth] = args;
  switch (call) {
    case 'capabilities':
      return portauth.capabilities();
    case 'ports':
      return portauth.ports();
    case 'setPort':
      return portauth.setPort(first as unknown as PortName, second);
    case 'grant':
      return portauth.grant(first);
    case 'revoke':
      return portauth.revoke(first);
    case 'watch':
      return portauth.watch(first);
    case 'counters':
      return portauth.portCounters(first);
    case 'inject':
      return [portauth.inject([{ port: first, bytes: Buffer.from(second, 'hex') }]), portauth.lastError()];
    case 'entries':
      return entries();
    case 'race':
      return race(first, second, third, fourth);
    case 'measure':
      return measure(first, second, third);
    case 'mark':
      await pause(100);
      return null;
    case 'exit':
      process.exit(0);
      return null;
    case 'close':
      portauth.close();
      return null;
    default:
      throw new Error(`cannot ${call}`);
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { call, args } = JSON.parse(line) as { call: string; args: [never, never, never, never] };
  if (call === 'close') lines.close();
  obey(call, args).then(
    (answer) => tell({ answer: answer ?? null }),
    (cause: unknown) => tell({ answer: null, failed: String(cause) }),
  );
});
tell({ ready: true });
