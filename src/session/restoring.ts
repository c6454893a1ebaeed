// What becomes of a session that an earlier run of the agent has kept, by what the machine has of it now:
//
//   adopt   it goes on: nothing is written, nobody is told
//   end     its entries stand, and it must not go on: it ends by the one way out, like any other
//   lost    nothing of it is left: a Stop is made of what was last known
//
// The kernel's table is the proof: it is of this boot, and whatever took the entry away (a reboot, the end of the port,
// somebody's hand) has put the client out already.

import type { EndCause } from '../model/cause.ts';
import type { PortControl } from '../model/port.ts';

/** The port of a session, as it is now. */
export interface FoundPort {
  /** Undefined: an uplink by now. */
  readonly control: PortControl | undefined;
  readonly adminUp: boolean;
  readonly linkUp: boolean;
  /** How often its link came or went since the session was stored; 0 where nobody counts. */
  readonly linkChanges: number;
  /** The client was heard no longer ago than a link may be down without harm (`link_down_delay_s`). */
  readonly heardLately: boolean;
}

export interface Found {
  /** The machine has not been booted since. */
  readonly sameBoot: boolean;
  /** Undefined: it is gone, or another one has its name; absent for an address behind the switch. */
  readonly port?: FoundPort | undefined;
  /** The name that its port has now; absent where it is gone. */
  readonly calledNow?: string;
  /** An entry of it stands; the others, if any are missing, are written again. */
  readonly granted: boolean;
  /** Another session of the same client is here, or on its way in. */
  readonly replaced: boolean;
  /** Nobody is let in by its method on its port any more. */
  readonly methodOff?: boolean;
}

export type Verdict =
  | { readonly do: 'adopt' }
  | { readonly do: 'end' | 'lost'; readonly cause: EndCause; readonly detail: string };

const METHOD_OFF = {
  2: { do: 'end', cause: 'port-reinit', detail: 'its method was switched off' },
  3: { do: 'end', cause: 'authorization-changed', detail: 'no concentrator has its user logged in' },
} as const;

export function judgeKept(layer: 2 | 3, found: Found): Verdict {
  const { sameBoot, port, granted, replaced, methodOff } = found;
  if (!sameBoot) return { do: 'lost', cause: 'nas-reboot', detail: 'the machine was booted since' };
  if (layer === 2 && port === undefined) return portRemoved(found);
  if (replaced) return { do: 'lost', cause: 'nas-reboot', detail: 'another session of its client stands' };
  if (!granted) return { do: 'lost', cause: 'nas-reboot', detail: 'its entry is gone' };
  if (methodOff === true) return METHOD_OFF[layer];
  return port === undefined ? { do: 'adopt' } : judgePort(port);
}

/** By its name it is known to servers and upstream: under another one no session goes on, as when it is renamed under the agent. */
function portRemoved({ calledNow }: Found): Verdict {
  const detail = calledNow === undefined ? 'its port is gone' : `its port is called ${calledNow} now`;
  return { do: 'lost', cause: 'port-removed', detail };
}

function judgePort({ control, adminUp, linkUp, linkChanges, heardLately }: FoundPort): Verdict {
  switch (control) {
    case 'auto':
      break;
    case 'force-unauthorized':
      return { do: 'end', cause: 'force-unauthorized', detail: 'the port is closed by now' };
    case 'force-authorized':
    case 'off':
    case undefined:
      return { do: 'end', cause: 'port-reinit', detail: 'nobody authenticates on the port by now' };
  }
  if (!adminUp) return { do: 'end', cause: 'port-disabled', detail: 'the port was taken down' };
  // Somebody else may be there now. For how long it was down nobody can say.
  if (linkChanges > (linkUp ? 0 : 1))
    return { do: 'end', cause: 'port-down', detail: 'its link was down meanwhile' };
  if (!linkUp && !heardLately) return { do: 'end', cause: 'port-down', detail: 'its link is down' };
  return { do: 'adopt' };
}
