// One word that names a session, as people type it: a MAC in any spelling, an IP address, else a session id.

import { parseIp } from '../base/ip.ts';
import { parseMac } from '../base/mac.ts';

export function selector(who: string): { mac: string } | { ip: string } | { session_id: string } {
  const mac = parseMac(who);
  if (mac !== undefined) return { mac };
  const ip = parseIp(who);
  return ip === undefined ? { session_id: who } : { ip };
}
