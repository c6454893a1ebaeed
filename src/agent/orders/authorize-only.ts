// RFC 5176 §3.2: a CoA-Request with Authorize-Only has a server asked what a running session may do. Its Accept renews the session,
// its Reject ends it, its silence changes nothing.
//
// The standard says "the RADIUS server". The State is whoever's who asked (§3.3): where that is an authentication server of ours it
// alone is asked, since a Reject by one that cannot read it would end the session; else they are in their order.

import { utf8 } from '../../base/bytes.ts';
import type { Ip } from '../../base/ip.ts';
import { authorizeOnlyAttributes } from '../../radius/access-request.ts';
import type { Core } from '../core.ts';
import type { Applicant } from '../methods/aaa.ts';
import type { L2Unit } from '../session/session-unit.ts';

interface AuthorizeOnly {
  /** Who sent the CoA-Request. */
  readonly client: Ip;
  /** Of it, untouched. */
  readonly state: Uint8Array;
}

export function authorizeOnly(core: Core, unit: L2Unit, { client, state }: AuthorizeOnly): void {
  const { mac, grant, method, authorization } = unit.session;
  const server = core.parts.aaa.serverAt(client);
  const applicant: Applicant = {
    mac,
    port: grant.port,
    method,
    verdict: (verdict) => {
      core.parts.aaa.forgetConversation(applicant);
      if (core.sessions.ofMac(mac) !== unit) return;
      if (verdict.type === 'aaa-accept') {
        core.decide(mac, grant.port, 'authorized anew', `asked by ${client}`);
        const renewal = core.parts.life.renew(unit, verdict.authorization);
        if (typeof renewal === 'object')
          core.parts.reporter.warning('authorization', renewal.refused, { mac, port: grant.port });
      } else if (verdict.type === 'aaa-reject' && verdict.reason === undefined) {
        const { replyMessage: detail } = verdict;
        core.parts.life.end(unit, { cause: 'reauth-failed', ...(detail === undefined ? {} : { detail }) });
      } else core.out.log('warn', 'Authorize-Only is not answered', { mac, port: grant.port });
    },
  };
  core.parts.aaa.ask(applicant, {
    ref: 0,
    first: true,
    identity: utf8(authorization.userName),
    ...(server === undefined ? {} : { server }),
    attributes: ({ subject }) => authorizeOnlyAttributes(subject, authorization.userName, state),
  });
}
