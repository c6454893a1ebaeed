// One event, one line.

import { assertNever } from '../base/result.ts';
import type { EventPayload, ProbePayload } from '../report/event-payloads.ts';
import { type Colors, clean, duration, plural } from './text.ts';

export function eventLine(event: EventPayload, paint: Colors): string {
  const lost =
    event.dropped === undefined ? '' : paint.red(` (${plural(event.dropped, 'event')} lost before this)`);
  const type = colourOf(event.type, paint)(event.type.padEnd(15));
  return `${paint.dim(event.time.slice(11, 23))}  ${type}  ${story(event)}${lost}`;
}

function colourOf(type: EventPayload['type'], paint: Colors): (text: string) => string {
  switch (type) {
    case 'session-start':
      return paint.green;
    case 'session-end':
    case 'auth-failed':
      return paint.red;
    case 'guard':
    case 'warning':
    case 'radius-server':
    case 'certified-cleared':
      return paint.yellow;
    case 'session-move':
    case 'dynamic-authorization':
    case 'handshake-probe':
    case 'port-link':
      return paint.cyan;
    default:
      return assertNever(type);
  }
}

function story(event: EventPayload): string {
  switch (event.type) {
    case 'session-start': {
      const { session } = event;
      return `${whoOf(session)} ${clean(session.user_name, 32)}${whereOf(session)} by ${session.method}, role ${clean(session.role, 20)}`;
    }
    case 'session-end': {
      const proof = event.relock.verified ? 'access gone' : 'ACCESS NOT YET GONE';
      return `${whoOf(event)} ${clean(event.user_name, 32)}${whereOf(event)}: ${event.cause} after ${duration(event.session_time_s)}, ${plural(event.evidence.probes_sent, 'probe')}, ${proof}`;
    }
    case 'session-move':
      return `${event.mac} from ${event.from.port} to ${event.to.port}`;
    case 'auth-failed': {
      const reply =
        event.reply_message === undefined ? '' : `, the server says: ${clean(event.reply_message)}`;
      const who = event.user_name === null ? '' : ` ${clean(event.user_name, 32)}`;
      return `${event.mac}${who} on ${event.port} by ${event.method}: ${clean(event.reason)}${reply}`;
    }
    case 'handshake-probe': {
      const [first, ...others] = event.probes.map(probeStory);
      return others.length === 0 ? `${first}` : `${first}, and ${plural(others.length, 'other')}`;
    }
    case 'guard':
      return `${event.state}: ${event.silent} of ${plural(event.sessions, 'session')} of ${clean(event.scope, 20)} silent (${event.reason})`;
    case 'radius-server':
      return `${clean(event.server)} is ${event.state} for ${event.use}: ${clean(event.because, 160)}`;
    case 'dynamic-authorization': {
      const asked = `${clean(event.client)} asks ${event.action ?? event.request} of ${plural(event.sessions.length, 'session')}`;
      return `${asked}: ${event.answer}${event.detail === undefined ? '' : `, ${clean(event.detail, 240)}`}`;
    }
    case 'port-link':
      return event.present
        ? `${event.port} is ${event.admin === 'down' ? 'disabled' : event.link}`
        : `${event.port} is gone`;
    case 'certified-cleared': {
      const out = event.devices.filter(({ logged_off: off }) => off).length;
      const [first] = event.devices;
      const only = event.devices.length === 1 && first !== undefined ? ` (${first.mac})` : '';
      return `${plural(event.devices.length, 'certified device')} cleared${only}, ${plural(out, 'user')} logged off: ${clean(event.detail, 160)}`;
    }
    case 'warning':
      return `${clean(event.code, 40)}: ${clean(event.message, 240)}`;
    default:
      return assertNever(event);
  }
}

interface Station {
  readonly key: string;
  readonly mac: string | null;
  readonly port: string | null;
}

/** A MAC, or the address of a session of layer 3. */
function whoOf({ key, mac }: Station): string {
  return mac ?? key.replace(/^ip-/, '');
}

function whereOf({ port }: Station): string {
  return port === null ? '' : ` on ${port}`;
}

function probeStory(probed: ProbePayload): string {
  const { silent_periods, times, probe, target, other_targets = [] } = probed;
  const targets = target === null ? '' : ` ${[target, ...other_targets].join(' ')}`;
  return `${whoOf(probed)}${whereOf(probed)}: silent ${silent_periods}/${times}, asked by ${probe}${targets}`;
}
