// What the schema cannot say of `certified_devices`.

import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';
import { unknownRole } from './rules-roles.ts';

export function certifiedFindings(raw: RawConfig): readonly Finding[] {
  const { enabled = false, clear = [] } = raw.certified_devices ?? {};
  const path = ['certified_devices', 'clear'];
  const off =
    clear.length > 0 && !enabled ? [warning(path, 'does nothing without certified_devices.enabled')] : [];
  return [...off, ...clear.flatMap((_, index) => ruleFindings(raw, index))];
}

function ruleFindings(raw: RawConfig, index: number): readonly Finding[] {
  const clear = raw.certified_devices?.clear ?? [];
  const rule = clear[index];
  if (rule === undefined) return [];
  const path = ['certified_devices', 'clear', index];
  const out: Finding[] = [];
  const first = clear.findIndex((other) => sameText(other) === sameText(rule));
  if (first < index) out.push(fault(path, `the same rule is certified_devices.clear[${first}] already`));
  if (rule.batch_every_s !== undefined && (rule.oldest ?? 0) === 0)
    out.push(warning([...path, 'batch_every_s'], 'does nothing without `oldest`'));
  const roles = rule.roles ?? [];
  return [...out, ...roles.flatMap((role, i) => unknownRole(raw, [...path, 'roles', i], role))];
}

/** Keys in one order. */
function sameText(rule: object): string {
  return JSON.stringify(Object.entries(rule).sort(([a], [b]) => (a < b ? -1 : 1)));
}
