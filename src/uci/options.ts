// The options of a section, from the declaration of the YAML file: each key that holds a value, or a list of values.

import type { KeyPath } from '../config/fault.ts';
import { ConfigSchema } from '../config/schema.ts';
import { isOwnSection, type SectionKind } from './sections.ts';

/** What a text may become. */
export type ValueKind = 'number' | 'boolean' | 'null' | 'string';

export interface OptionKind {
  readonly name: string;
  /** From the top of the YAML file for a section that is one, else from its item or entry. */
  readonly path: KeyPath;
  readonly kinds: ReadonlySet<ValueKind>;
  readonly isList: boolean;
  /** What it must be, as a fault says it. */
  readonly title: string;
}

interface SchemaNode {
  readonly type?: string;
  readonly title?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/** By name; a section whose value is no mapping has one, with an empty path. */
export function optionsOf(section: SectionKind): ReadonlyMap<string, OptionKind> {
  const node = schemaOf(section);
  const { value, at, form, topLevel } = section;
  const own = value === undefined ? flatten(node, [], at, '') : flatten(node, [], at, value);
  const others = topLevel ? Object.entries(ROOT.properties ?? {}).flatMap(scalarOf) : [];
  const fromTop = form === 'one' ? own.map((option) => ({ ...option, path: [...at, ...option.path] })) : own;
  return new Map([...fromTop, ...others].map((option) => [option.name, option]));
}

function scalarOf([key, node]: [string, SchemaNode]): readonly OptionKind[] {
  return kindsOf(node).length === 0 ? [] : flatten(node, [key], [key], key);
}

const ROOT = ConfigSchema as unknown as SchemaNode;

function schemaOf({ at, form }: SectionKind): SchemaNode {
  let node: SchemaNode = ROOT;
  for (const key of at) node = node.properties?.[key] ?? {};
  if (form === 'item') return node.items ?? {};
  return form === 'entry' ? (Object.values(node.patternProperties ?? {})[0] ?? {}) : node;
}

/** `path` is from the section on; `whole` from the top, to see where another section begins. */
function flatten(node: SchemaNode, path: KeyPath, whole: KeyPath, name: string): readonly OptionKind[] {
  const alternatives = node.anyOf ?? [node];
  const scalars = alternatives.flatMap(kindsOf);
  const below = alternatives.flatMap(({ properties = {} }) =>
    Object.entries(properties)
      .filter(([key]) => !isOwnSection([...whole, key]))
      .flatMap(([key, inner]) =>
        flatten(inner, [...path, key], [...whole, key], name === '' ? key : `${name}_${key}`),
      ),
  );
  const option = (kinds: readonly ValueKind[], isList: boolean): OptionKind => ({
    name,
    path,
    kinds: new Set(kinds),
    isList,
    title: node.title ?? '',
  });
  const lists = alternatives
    .map(({ items }) => (items === undefined ? [] : kindsOf(items)))
    .filter((kinds) => kinds.length > 0)
    .map((kinds) => option(kinds, true));
  return [...(scalars.length > 0 ? [option(scalars, false)] : []), ...lists, ...below];
}

/** None for a mapping or a list. */
function kindsOf(node: SchemaNode): readonly ValueKind[] {
  const values = node.const === undefined ? node.enum : [node.const];
  if (values !== undefined)
    return values.map((value) => (value === null ? 'null' : kindOfType(typeof value)));
  return ['string', 'boolean', 'number', 'integer', 'null'].includes(node.type ?? '')
    ? [kindOfType(node.type ?? '')]
    : (node.anyOf ?? []).flatMap(kindsOf);
}

function kindOfType(type: string): ValueKind {
  return type === 'integer' || type === 'number'
    ? 'number'
    : type === 'boolean' || type === 'null'
      ? type
      : 'string';
}
