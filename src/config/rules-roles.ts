// Rules by MAC address, and devices that are silent: what a schema cannot say of them.

import { isStationAddress, macFromNumber } from '../base/mac.ts';
import { type MacPrefix, macPrefixText, parseMacPrefix } from '../base/mac-prefix.ts';
import { closest, type KeyPath } from './fault.ts';
import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';

export function unknownRole(raw: RawConfig, path: KeyPath, role: string | undefined): Finding[] {
  const known = ['default', ...Object.keys(raw.roles ?? {})];
  if (role === undefined || known.includes(role)) return [];
  const guess = closest(role, known);
  const hint =
    guess === undefined ? `there are: ${[...new Set(known)].join(', ')}` : `did you mean '${guess}'?`;
  return [fault(path, `there is no role '${role}'; ${hint}`)];
}

export function roleRuleFindings(raw: RawConfig): Finding[] {
  const seen = new Map<string, number>();
  return (raw.role_rules ?? []).flatMap(({ mac, role, ports }, index) => {
    const path = ['role_rules', index];
    const prefix = parseMacPrefix(mac);
    if (prefix === undefined) return [];
    const out = [...unknownRole(raw, [...path, 'role'], role), ...noStation(prefix, [...path, 'mac'])];
    const text = macPrefixText(prefix);
    // Of two with the same beginning the first counts: on its own ports, or on all.
    const first = seen.get(text) ?? seen.get(`${text} ${ports?.join(' ')}`);
    if (first !== undefined)
      out.push(warning([...path, 'mac'], `never counts: role_rules[${first}] has the same beginning`));
    const key = ports === undefined ? text : `${text} ${ports.join(' ')}`;
    if (!seen.has(key)) seen.set(key, index);
    return out;
  });
}

export function silentDeviceFindings(raw: RawConfig): Finding[] {
  const seen = new Map<string, number>();
  return (raw.silent_devices ?? []).flatMap(({ mac }, index) => {
    const path = ['silent_devices', index, 'mac'];
    const prefix = parseMacPrefix(mac);
    if (prefix === undefined) return [];
    const text = macPrefixText(prefix);
    const first = seen.get(text);
    if (first === undefined) seen.set(text, index);
    const again =
      first === undefined ? [] : [fault(path, `${nameOf(prefix)} is silent_devices[${first}] already`)];
    return [...again, ...noStation(prefix, path)];
  });
}

/** Group bit set, or all zero: nothing that begins so is ever the source of an honest frame. */
function noStation(prefix: MacPrefix, path: KeyPath): Finding[] {
  const { value, bits } = prefix;
  const mac = macFromNumber(value * 2 ** (48 - bits));
  const group = bits >= 8 && (Math.floor(value / 2 ** (bits - 8)) & 1) === 1;
  if (!group && (bits < 48 || isStationAddress(mac))) return [];
  return [fault(path, `${nameOf(prefix)} is no station's address`)];
}

function nameOf(prefix: MacPrefix): string {
  return macPrefixText(prefix).replace(/\/48$/, '');
}
