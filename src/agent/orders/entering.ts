// Whom the keys of a Disconnect-Request mean among those on their way in: they are known by what their session would have.

import { isMeant, type SessionKeys } from '../../radius/dynauth-keys.ts';
import type { Core } from '../core.ts';
import type { Admission } from '../session/life.ts';

export function enteringAs({ parts, now }: Core, keys: SessionKeys): readonly Admission[] {
  return parts.life.entering({}).filter((admission) => {
    const { mac, port, sessionId: id, multiId, authorization, addresses = {} } = admission;
    const facts = parts.ports.get(port)?.machine.facts;
    if (facts === undefined) return false;
    const place = {
      layer: 2 as const,
      mac,
      grant: { port },
      nasPort: facts.index,
      calledStation: facts.address,
    };
    return isMeant({ ...place, id, multiId, authorization, addresses }, keys, now.mono);
  });
}
