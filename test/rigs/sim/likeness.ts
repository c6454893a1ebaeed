// In what two agents differ, found by walking through both: whoever has read something of the configuration at the start, and
// missed a change of it, holds on to the old value somewhere.

import type { Core } from '../../../src/agent/core.ts';
import type { SimulatedSwitch } from './simulated-switch.ts';

/** What is of one run and not of a configuration. */
const OF_A_RUN = new Set([
  ...[
    'boot',
    'now',
    'out',
    'schedule',
    'entropy',
    'timer',
    'counters',
    'portsPublished',
    'txWhen',
    'dueAt',
    'tokens',
  ],
  // When something was last looked at, and what was told before.
  ...['lookAt', 'clock', 'past', 'waiting', 'sweep', 'decisions', 'repairs', 'drops'],
  // Of a login: who has answered, and by which numbers.
  ...['server', 'currentId', 'nextRef', 'lastRef'],
  // Of a connection to a server.
  ...['byIndex', 'nextIndex', 'index', 'ids', 'window', 'health', 'roundTrip', 'outstanding', 'hasAnswered'],
  ...['unansweredAsks', 'owed'],
]);
const MOST = 20;

/** Places, as the way to them from the agent's core, at most twenty. */
export function differences(one: SimulatedSwitch, other: SimulatedSwitch): readonly string[] {
  const seen = new Map<object, object>();
  const found: string[] = [];
  const open: [place: string, a: unknown, b: unknown][] = [['', coreOf(one), coreOf(other)]];
  for (let next = open.pop(); next !== undefined && found.length < MOST; next = open.pop()) {
    const [place, a, b] = next;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
      if (!Object.is(a, b) && typeof a !== 'function' && !(isMoment(a) && isMoment(b)))
        found.push(`${place}: ${String(a)}, ${String(b)}`);
      continue;
    }
    if (seen.get(a) === b) continue;
    seen.set(a, b);
    const [left, right] = [partsOf(a), partsOf(b)];
    for (const name of new Set([...left.keys(), ...right.keys()]))
      if (!OF_A_RUN.has(name)) open.push([`${place}.${name}`, left.get(name), right.get(name)]);
  }
  return found;
}

/** A simulated switch's first day begins at a million milliseconds. */
function isMoment(value: unknown): boolean {
  return typeof value === 'number' && value >= 1_000_000 && value < 2_000_000;
}

function partsOf(thing: object): ReadonlyMap<string, unknown> {
  if (ArrayBuffer.isView(thing)) return new Map([['octets', String(thing)]]);
  if (thing instanceof Set) return new Map([...thing].map((each, i) => [String(i), each]));
  if (thing instanceof Map)
    return new Map(
      [...thing].map(([key, value], i) => [typeof key === 'object' ? String(i) : String(key), value]),
    );
  return new Map(Object.entries(thing));
}

function coreOf(net: SimulatedSwitch): Core {
  return Reflect.get(net.agent, 'core') as Core;
}
