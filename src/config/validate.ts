// The schema's verdict in plain words: ajv finds the errors, this file says what each means and what would be right.
// ajv compiles the schema first, which takes 100 ms; a file without faults is passed by TypeBox's interpreter in 7 ms,
// so that the agent's start (250 ms to all ports locked) does not pay for it. A test holds the two verdicts together.

import { Ajv, type ErrorObject } from 'ajv';
import { Check } from 'typebox/value';
import { closest, type Fault, type KeyPath, pathText, quoteValue } from './fault.ts';
import { formatsHold, NUMBER_FORMATS, type SchemaNode, TEXT_FORMATS } from './formats.ts';
import { ConfigSchema } from './schema.ts';
import type { LocatedYaml } from './yaml.ts';

/** All faults that the schema finds; none = the value is a `RawConfig`. */
export function schemaFaults(yaml: LocatedYaml): readonly Fault[] {
  if (fits(yaml.value)) return [];
  return relevant(schemaErrors()(yaml.value)).map((error) => fault(error, yaml));
}

/** The quick verdict. */
export function fits(value: unknown): boolean {
  return Check(ConfigSchema, value) && formatsHold(ConfigSchema as SchemaNode, value);
}

/** ajv's own verdict; compiles the schema. */
export function schemaErrors(): (value: unknown) => readonly ErrorObject[] {
  const ajv = new Ajv({ allErrors: true, verbose: true });
  for (const [name, validate] of Object.entries(TEXT_FORMATS)) ajv.addFormat(name, validate);
  for (const [name, validate] of Object.entries(NUMBER_FORMATS)) {
    ajv.addFormat(name, { type: 'number', validate });
  }
  const validate = ajv.compile(ConfigSchema);
  return (value) => (validate(value) ? [] : (validate.errors ?? []));
}

/**
 * A value that may be this or that gives errors for both. Kept: those of the alternative whose kind fits, else one error
 * that names all alternatives. Of several errors at one value the first is kept.
 */
function relevant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = [...errors];
  for (const choice of errors.filter((error) => error.keyword === 'anyOf')) {
    const within = kept.filter(
      (error) => error !== choice && error.schemaPath.startsWith(`${choice.schemaPath}/`),
    );
    const branches = new Map<string, ErrorObject[]>();
    for (const error of within) {
      const branch = error.schemaPath.slice(choice.schemaPath.length + 1).split('/')[0] ?? '';
      branches.set(branch, [...(branches.get(branch) ?? []), error]);
    }
    const fitting = [...branches.values()].find(
      (branch) =>
        !branch.some((e) => e.instancePath === choice.instancePath && /^(type|const|enum)$/.test(e.keyword)),
    );
    kept = kept.filter((error) => !within.includes(error) && (fitting === undefined || error !== choice));
    if (fitting !== undefined) kept.push(...fitting);
  }
  const seen = new Set<string>();
  return kept.filter((error) => {
    if (error.keyword === 'additionalProperties' || error.keyword === 'required') return true;
    if (seen.has(error.instancePath)) return false;
    seen.add(error.instancePath);
    return true;
  });
}

function fault(error: ErrorObject, yaml: LocatedYaml): Fault {
  const base = pointer(error.instancePath, yaml.value);
  const extra =
    error.keyword === 'additionalProperties' ? String(error.params.additionalProperty) : undefined;
  const path = extra === undefined || hides(error, extra) ? base : [...base, extra];
  const line = yaml.lineOf(path);
  return { path: pathText(path), ...(line === undefined ? {} : { line }), message: message(error, extra) };
}

function message(error: ErrorObject, unknownKey: string | undefined): string {
  const schema = (error.parentSchema ?? {}) as Annotated;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownMessage(unknownKey ?? '', schema);
    case 'required':
      return `the key '${String(error.params.missingProperty)}' is missing${in_(schema)}`;
    case 'enum': {
      const allowed = schema.enum ?? [];
      const guess = typeof error.data === 'string' ? closest(error.data, allowed) : undefined;
      const hint = guess === undefined ? '' : `; did you mean '${guess}'?`;
      return `${quoteValue(error.data)} is none of ${allowed.join(', ')}${hint}`;
    }
    case 'minItems':
    case 'maxItems': {
      const { length } = error.data as readonly unknown[];
      return length === 0
        ? `the list is empty: it has to be ${schema.title}`
        : `a list of ${length} is not ${schema.title}`;
    }
    case 'uniqueItems':
      return 'the same value is in the list twice';
    default:
      return `${quoted(error)} is not ${schema.title ?? `right: it ${error.message}`}${quotesHint(error.data, schema)}`;
  }
}

/** YAML takes `000413` and `true` for a number and a boolean, and what is in quotes for a text. */
function quotesHint(value: unknown, schema: Annotated): string {
  const choices = [schema, ...(schema.anyOf ?? [])].filter((each) => each.const === undefined);
  const wanted = choices.map(({ type }) => (type === 'integer' ? 'number' : type));
  const is = typeof value;
  if (wanted.includes(is)) return '';
  if (wanted.includes('string') && is === 'number') return '; a text of digits needs quotes';
  if (wanted.includes('string') && is === 'boolean') return '; as a text it needs quotes';
  const unquoted = typeof value === 'string' ? plainKind(value) : undefined;
  return unquoted !== undefined && wanted.includes(unquoted) ? '; write it without quotes' : '';
}

/** What a text would be to YAML without its quotes, if not a text. */
function plainKind(text: string): 'number' | 'boolean' | undefined {
  if (/^-?[0-9]+(\.[0-9]+)?$/.test(text)) return 'number';
  return text === 'true' || text === 'false' ? 'boolean' : undefined;
}

/** A secret of the wrong form is a secret all the same, and a broker's URL may have a password in it. */
const SECRET = /\/(secret|password)(\/|$)|^\/mqtt\/url$/;

/** A number is not always as it is written: `0026e7` is 260000000. */
function quoted({ data, instancePath, keyword }: ErrorObject): string {
  if (SECRET.test(instancePath)) return 'the value';
  return typeof data === 'number' && keyword === 'type' ? `the number ${data}` : quoteValue(data);
}

/** A key that is not known may be a secret: `secret: {k9 x}`, and in braces `secret:k9`. */
function hides({ instancePath }: ErrorObject, key: string): boolean {
  return SECRET.test(instancePath) || /^(secret|password|url)[^\w]/.test(key);
}

function unknownMessage(key: string, schema: Annotated): string {
  if (schema.patternProperties !== undefined)
    return `'${key}' cannot be a key of ${schema.title ?? 'this mapping'}`;
  const known = Object.keys(schema.properties ?? {});
  const guess = closest(key, known);
  if (guess !== undefined) return `the key is not known; did you mean '${guess}'?`;
  return `the key is not known; known here: ${known.join(', ')}`;
}

function in_(schema: Annotated): string {
  return schema.title === undefined ? '' : ` in ${schema.title}`;
}

interface Annotated {
  readonly title?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Annotated[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly patternProperties?: Readonly<Record<string, unknown>>;
}

/** A JSON pointer as a path; list positions are numbers. */
function pointer(text: string, root: unknown): KeyPath {
  const path: (string | number)[] = [];
  let at: unknown = root;
  for (const part of text.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(key) : key);
    at = at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[key] : undefined;
  }
  return path;
}
