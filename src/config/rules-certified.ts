// What the schema cannot say of `certified_devices`.

import type { RawConfig } from './assemble.ts';
import { closest } from './fault.ts';
import { type Finding, fault, warning } from './findings.ts';

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
  const known = ['default', ...Object.keys(raw.roles ?? {})];
  for (const [i, role] of (rule.roles ?? []).entries()) {
    if (known.includes(role)) continue;
    const guess = closest(role, known);
    const hint =
      guess === undefined ? `there are: ${[...new Set(known)].join(', ')}` : `did you mean '${guess}'?`;
    out.push(fault([...path, 'roles', i], `there is no role '${role}'; ${hint}`));
  }
  return out;
}

/** Keys in one order. */
function sameText(rule: object): string {
  return JSON.stringify(Object.entries(rule).sort(([a], [b]) => (a < b ? -1 : 1)));
}
