// The other way round, for tests: a configuration as UCI would export it.

import { type OptionKind, optionsOf } from '../../src/uci/options.ts';
import { SECTIONS, type SectionKind } from '../../src/uci/sections.ts';

/** As libuci's export quotes a value. */
export function uciQuoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

type Raw = Readonly<Record<string, unknown>>;

/** Of what a YAML file holds, once it is read. */
export function uciOf(raw: unknown): string {
  return SECTIONS.flatMap((kind) => sectionsOf(kind, at(raw, kind.at))).join('\n');

  function sectionsOf(kind: SectionKind, value: unknown): readonly string[] {
    if (value === undefined) return [];
    if (kind.form === 'item') return (value as readonly Raw[]).map((item) => section(kind, item));
    if (kind.form === 'one') return [section(kind, raw)];
    return Object.entries(value as Raw).map(([key, inner]) => {
      const named = `config ${kind.type}\n\toption ${kind.key} ${uciQuoted(key)}\n`;
      return kind.value === undefined
        ? named + options(kind, inner)
        : `${named}\toption ${kind.value} '${inner}'\n`;
    });
  }
}

function section(kind: SectionKind, from: unknown): string {
  return `config ${kind.type}\n${options(kind, from)}`;
}

function options(kind: SectionKind, from: unknown): string {
  return [...optionsOf(kind).values()].map((option) => line(option, at(from, option.path))).join('');
}

function line({ name, isList }: OptionKind, value: unknown): string {
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    return '';
  if (!isList) return `\toption ${name} ${uciQuoted(String(value))}\n`;
  return (value as readonly unknown[]).map((each) => `\tlist ${name} ${uciQuoted(String(each))}\n`).join('');
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Raw | undefined)?.[key], value);
}
