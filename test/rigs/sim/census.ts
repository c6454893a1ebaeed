// Everything that an agent holds on to, found by walking through it: how much is in each of its collections, and which
// sessions it remembers. A place is the way to it from the agent's core ("parts.mab.ports.*.clients"); the same collection of
// many owners is one place, with its largest size.

import { SessionUnit } from '../../../src/agent/session/session-unit.ts';

export interface Census {
  /** Entries of the largest collection at each place. */
  readonly sizes: ReadonlyMap<string, number>;
  /** And where one of them is remembered. */
  readonly sessions: ReadonlyMap<SessionUnit, string>;
}

interface Found {
  readonly place: string;
  readonly thing: object;
}

/** What is data of a certain size, or belongs to the configuration, is passed over. */
function isOpaque(thing: object): boolean {
  return ArrayBuffer.isView(thing) || thing instanceof RegExp || Object.isFrozen(thing);
}

/** `skip`: names of fields that are not followed. */
export function takeCensus(root: object, skip: ReadonlySet<string>): Census {
  const sizes = new Map<string, number>();
  const sessions = new Map<SessionUnit, string>();
  const seen = new Set<object>([root]);
  const open: Found[] = [{ place: '', thing: root }];
  const visit = (place: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || isOpaque(value)) return;
    seen.add(value);
    if (value instanceof SessionUnit) sessions.set(value, place);
    open.push({ place: value instanceof SessionUnit ? 'session' : place, thing: value });
  };
  // Breadth first, so that each thing is told of by the shortest way to it.
  for (let at = 0; at < open.length; at++) {
    const { place, thing } = open[at] as Found;
    if (thing instanceof Map || thing instanceof Set || Array.isArray(thing)) {
      sizes.set(place, Math.max(sizes.get(place) ?? 0, Array.isArray(thing) ? thing.length : thing.size));
      for (const each of thing) {
        // Of a map: key and value.
        const parts: readonly unknown[] = thing instanceof Map ? (each as [unknown, unknown]) : [each];
        for (const part of parts) visit(`${place}.*`, part);
      }
    } else {
      for (const [name, value] of Object.entries(thing))
        if (!skip.has(name)) visit(place === '' ? name : `${place}.${name}`, value);
    }
  }
  return { sizes, sessions };
}
