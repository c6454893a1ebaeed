// Between FreeRADIUS' words and the scenarios': what its detail file says of a record, and what it adds to an Accept.

import { AcctTerminateCause } from '../../../src/model/cause.ts';
import type { AccountingRow, Reply } from '../../scenarios/stage.ts';
import type { DetailRecord } from './freeradius.ts';
import type { ReplyValue } from './freeradius-config.ts';

/** By the names of FreeRADIUS' dictionary, which are those of the RFCs but for two. */
const CAUSES: Readonly<Record<string, number>> = {
  ...AcctTerminateCause,
  'Port-Reinit': AcctTerminateCause['Port-Reinitialized'],
  'Port-Disabled': AcctTerminateCause['Port-Administratively-Disabled'],
};

export function accountingRow(record: DetailRecord): AccountingRow {
  const time = record['Acct-Session-Time'];
  const cause = record['Acct-Terminate-Cause'];
  return {
    status: (record['Acct-Status-Type'] ?? '') as AccountingRow['status'],
    sessionId: record['Acct-Session-Id'] ?? '',
    userName: record['User-Name'] ?? '',
    eventS: Date.parse(record['Event-Timestamp'] ?? '') / 1000,
    delayS: Number(record['Acct-Delay-Time'] ?? 0),
    ...(time === undefined ? {} : { sessionTimeS: Number(time) }),
    ...(cause === undefined ? {} : { terminateCause: CAUSES[cause] ?? Number(cause) }),
  };
}

export function replyAttributes(reply: Reply): Readonly<Record<string, ReplyValue>> {
  const { sessionTimeoutS, terminationAction, idleTimeoutS, framedIp } = reply;
  const { vlan, egress, voice, serviceType, filterRule, filterId, userRole } = reply;
  return {
    ...(sessionTimeoutS === undefined ? {} : { 'Session-Timeout': sessionTimeoutS }),
    ...(terminationAction === undefined ? {} : { 'Termination-Action': terminationAction }),
    ...(idleTimeoutS === undefined ? {} : { 'Idle-Timeout': idleTimeoutS }),
    ...(framedIp === undefined ? {} : { 'Framed-IP-Address': framedIp }),
    ...(vlan === undefined
      ? {}
      : {
          'Tunnel-Type:1': 'VLAN',
          'Tunnel-Medium-Type:1': 'IEEE-802',
          'Tunnel-Private-Group-Id:1': `"${vlan}"`,
        }),
    ...(egress === undefined ? {} : { 'Egress-VLAN-Name': egress.map((name) => `"${name}"`) }),
    ...(voice === true ? { 'Cisco-AVPair': '"device-traffic-class=voice"' } : {}),
    ...(serviceType === undefined ? {} : { 'Service-Type': serviceType }),
    ...(filterRule === undefined ? {} : { 'NAS-Filter-Rule': `"${filterRule}"` }),
    ...(userRole === undefined ? {} : { 'Aruba-User-Role': `"${userRole}"` }),
    ...(filterId === undefined ? {} : { 'Filter-Id': `"${filterId}"` }),
  };
}
