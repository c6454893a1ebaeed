// How things stand, in one sentence: for whoever looks at the service from outside.

import type { Core } from '../core.ts';

/** `7 of 8 ports locked and watched, 3 sessions, RADIUS answers, broker connected`; of at most some 120 characters. */
export function standing(core: Core): string {
  const { bridge, ports, aaa, reporter } = core.parts;
  if (bridge.missing !== undefined) return bridge.missing;
  const controlled = [...ports.all()].filter(({ machine }) => machine.control !== 'off');
  const held = controlled.filter(({ machine }) => machine.isSet && machine.listening);
  const { size } = core.sessions;
  return [
    `${held.length} of ${controlled.length} controlled ports set and watched`,
    `${size} ${size === 1 ? 'session' : 'sessions'}`,
    aaa.servers().some(({ up }) => up) ? 'RADIUS answers' : 'no RADIUS server answers',
    reporter.isConnected ? 'broker connected' : 'no broker',
  ].join(', ');
}
