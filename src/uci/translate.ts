// Sections in, the tree of a YAML file out, with the place that each part of it came from. What is wrong with a value is
// left to the check of that file, which says what would be right; here it is only made a number, a flag or a text.

import { closest, type KeyPath, quoteValue } from '../config/fault.ts';
import { type OptionKind, optionsOf, type ValueKind } from './options.ts';
import { Places, type UciFault } from './places.ts';
import type { UciOption, UciSection } from './read.ts';
import { DISABLED, ENABLED, SECTIONS, type SectionKind } from './sections.ts';
import { mappingAt, type Scalar, type Tree, type TreeMap } from './tree.ts';

export interface Translation {
  readonly tree: TreeMap;
  readonly places: Places;
  readonly faults: readonly UciFault[];
}

export function translate(sections: readonly UciSection[]): Translation {
  const translator = new Translator();
  for (const section of sections) {
    if (!translator.isDisabled(section)) translator.take(section);
  }
  return translator;
}

/** The words of UCI for yes and no. */
const FLAGS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 'on', 'true', 'yes', 'enabled'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'off', 'false', 'no', 'disabled'].map((word) => [word, false])),
};

class Translator implements Translation {
  readonly tree: TreeMap = new Map();
  readonly places = new Places();
  readonly faults: UciFault[] = [];
  private readonly seen = new Set<string>();

  constructor() {
    // Without them there is no file: what is missing in them is then told like everything else.
    mappingAt(this.tree, ['switch']);
    this.items(['radius', 'servers']);
    for (const { type, at } of SECTIONS) this.places.set(at, `rollcall: sections of type ${type}`);
  }

  /** A word that is neither yes nor no is told: the section counts as there. */
  isDisabled({ options, place }: UciSection): boolean {
    const option = options.get(DISABLED);
    if (option === undefined) return false;
    const is = option.isList ? undefined : boolean(option.values[0]);
    if (is === undefined)
      this.complain(
        `${place}.${DISABLED}`,
        `${quoteValue(option.values.join(' '))} is neither yes nor no: it is 1 or 0`,
      );
    return is === true;
  }

  take(section: UciSection): void {
    const kind = SECTIONS.find(({ type }) => type === section.type);
    if (kind === undefined) {
      this.complain(section.place, `there is no section of type ${section.type}`, closestType(section.type));
      return;
    }
    const targets = this.targets(section, kind);
    if (kind.value !== undefined) this.entryValues(section, kind, targets);
    else for (const path of targets) this.fill(section, kind, path);
  }

  /** The paths of what this section stands for; none if it cannot stand. */
  private targets(section: UciSection, kind: SectionKind): readonly KeyPath[] {
    const { at, form } = kind;
    if (form === 'one') {
      if (this.seen.has(kind.type)) {
        this.complain(section.place, `there is more than one section of type ${kind.type}`);
        return [];
      }
      this.seen.add(kind.type);
      return [this.begin(at, section)];
    }
    if (form === 'item') return [this.begin([...at, this.items(at).length], section)];
    const said = section.options.get(kind.key ?? '')?.values;
    const named = kind.severalInOne === true ? said?.flatMap(words) : said;
    const keys = named ?? [section.name].filter((name) => name !== undefined);
    if (keys.length === 0) this.complain(section.place, `an option ${kind.key} is needed, or a name`);
    return keys.flatMap((key) => {
      const path = [...at, key];
      if (mappingAt(this.tree, at)?.has(key) === true) {
        this.complain(section.place, `another section has the ${kind.key} ${key}`);
        return [];
      }
      return [kind.value === undefined ? this.begin(path, section) : path];
    });
  }

  private begin(path: KeyPath, { place }: UciSection): KeyPath {
    const last = path.at(-1);
    if (typeof last === 'number') this.items(path.slice(0, -1)).push(new Map());
    else mappingAt(this.tree, path);
    this.places.setSection(path, place);
    return path;
  }

  private items(path: KeyPath): Tree[] {
    const parent = mappingAt(this.tree, path.slice(0, -1));
    const key = String(path.at(-1));
    const before = parent?.get(key);
    if (Array.isArray(before)) return before;
    const list: Tree[] = [];
    parent?.set(key, list);
    return list;
  }

  private fill(section: UciSection, kind: SectionKind, path: KeyPath): void {
    const known = optionsOf(kind);
    for (const [name, option] of section.options) {
      if (name === kind.key || name === DISABLED || (name === ENABLED && kind.type === 'switch')) continue;
      const declared = known.get(name);
      const place = `${section.place}.${name}`;
      if (declared === undefined) {
        const near = closest(name, [...known.keys()]);
        this.complain(place, `a section of type ${kind.type} has no such option`, near);
      } else
        this.put(kind.form === 'one' ? declared.path : [...path, ...declared.path], place, declared, option);
    }
  }

  private entryValues(section: UciSection, kind: SectionKind, paths: readonly KeyPath[]): void {
    const name = kind.value ?? '';
    const declared = optionsOf(kind).get(name);
    const option = section.options.get(name);
    for (const other of section.options.keys()) {
      if (![name, kind.key, DISABLED].includes(other))
        this.complain(`${section.place}.${other}`, `a section of type ${kind.type} has no such option`);
    }
    if (option === undefined) this.complain(section.place, `an option ${name} is needed`);
    else if (declared !== undefined)
      for (const path of paths) this.put(path, `${section.place}.${name}`, declared, option);
  }

  private put(path: KeyPath, place: string, declared: OptionKind, { values, isList }: UciOption): void {
    if (isList && !declared.isList) {
      this.complain(place, 'a list stands here; it is an option, with one value');
      return;
    }
    const key = String(path.at(-1));
    const parent = mappingAt(this.tree, path.slice(0, -1));
    if (parent === undefined || parent.has(key)) {
      this.complain(place, 'another option of this section says something else of the same');
      return;
    }
    this.places.set(path, place);
    // The list of older UCI files: one option, with blanks between.
    const all = declared.isList && !isList ? values.flatMap(words) : values;
    for (const index of all.keys()) this.places.set([...path, index], place);
    const made = all.map((value) => scalar(value, declared.kinds));
    parent.set(key, declared.isList ? made : (made[0] ?? null));
  }

  private complain(place: string, message: string, near?: string): void {
    this.faults.push({ place, message: near === undefined ? message : `${message}; did you mean ${near}?` });
  }
}

function closestType(type: string): string | undefined {
  return closest(
    type,
    SECTIONS.map((kind) => kind.type),
  );
}

/** As what the place can be; a text where it is none of that, for the check to name. */
function scalar(text: string, kinds: ReadonlySet<ValueKind>): Scalar {
  if (kinds.has('null') && text === 'null') return null;
  if (kinds.has('number') && /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text) && Number.isFinite(Number(text)))
    return Number(text);
  return (kinds.has('boolean') ? boolean(text) : undefined) ?? text;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter(Boolean);
}

function boolean(text: string | undefined): boolean | undefined {
  return text !== undefined && Object.hasOwn(FLAGS, text) ? FLAGS[text] : undefined;
}
