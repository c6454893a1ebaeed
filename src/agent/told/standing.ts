// How things stand, in one sentence: for whoever looks at the service from outside.

import type { ServerStatistics } from '../../radius/server-link.ts';
import type { Core } from '../core.ts';

/** `7 of 8 controlled ports set and watched, 3 sessions, RADIUS answers, broker connected`; of at most some 120 characters. */
export function standing(core: Core): string {
  const { bridge, ports, aaa, reporter } = core.parts;
  if (bridge.missing !== undefined) return bridge.missing;
  const controlled = [...ports.all()].filter(({ machine }) => machine.control !== 'off');
  const held = controlled.filter(({ machine }) => machine.isSet && machine.listening);
  const { size } = core.sessions;
  return [
    `${held.length} of ${controlled.length} controlled ports set and watched`,
    `${size} ${size === 1 ? 'session' : 'sessions'}`,
    answering(aaa.servers()),
    reporter.isConnected ? 'broker connected' : 'no broker',
  ].join(', ');
}

/** A server is up until it has been asked in vain, so that it is asked. */
export function answering(servers: readonly Pick<ServerStatistics, 'up' | 'roundTripMs'>[]): string {
  const up = servers.filter((server) => server.up);
  if (up.length === 0) return 'no RADIUS server answers';
  return up.some(({ roundTripMs }) => roundTripMs !== undefined)
    ? 'RADIUS answers'
    : 'RADIUS has not answered yet';
}
