// The secrets of a configuration: where they stand, how they are read, and how a text is shown without them.

import { isNode, isScalar, visit } from 'yaml';
import { utf8 } from '../base/bytes.ts';
import type { Result } from '../base/result.ts';
import type { KeyPath } from './fault.ts';
import type { RawConfig } from './raw.ts';
import { parseText } from './yaml.ts';

/** The text of a secret's file, or why it cannot be read. */
export type ReadSecret = (path: string) => Result<string, string>;

export type SecretValue = string | { readonly file: string };

/** Stands in a shown text for a secret. It is none itself: a text that has it is refused. */
export const HIDDEN = '<hidden>';

interface Place {
  readonly path: KeyPath;
  readonly value: SecretValue;
  /** Octets of UTF-8, where there is a limit. */
  readonly most?: number;
}

/** RFC 2865 §5.2: what User-Password takes. */
const LONGEST_PASSWORD = 128;

function places(raw: RawConfig): readonly Place[] {
  const { servers, dynamic_authorization: dynamic } = raw.radius;
  const password = raw.mqtt?.password;
  return [
    ...servers.flatMap(({ secret }, i) =>
      secret === undefined ? [] : [{ path: ['radius', 'servers', i, 'secret'], value: secret }],
    ),
    ...(dynamic?.clients ?? []).map(({ secret }, i) => ({
      path: ['radius', 'dynamic_authorization', 'clients', i, 'secret'],
      value: secret,
    })),
    ...(raw.sso?.clients ?? []).map(({ secret }, i) => ({
      path: ['sso', 'clients', i, 'secret'],
      value: secret,
    })),
    ...(password === undefined ? [] : [{ path: ['mqtt', 'password'], value: password }]),
    ...Object.entries(raw.ports ?? {}).flatMap(([pattern, port]) =>
      port.mab?.password === undefined
        ? []
        : [{ path: ['ports', pattern, 'mab', 'password'], value: port.mab.password, most: LONGEST_PASSWORD }],
    ),
  ];
}

/** Reads each file once. */
export class Secrets {
  private readonly files = new Map<string, string>();

  constructor(private readonly read: ReadSecret) {}

  /** What is wrong with any of them. */
  readAll(raw: RawConfig): readonly { readonly path: KeyPath; readonly message: string }[] {
    return places(raw).flatMap(({ path, value, most }) => {
      const message =
        (typeof value === 'string' ? hidden(value) : this.load(value.file)) ?? tooLong(this.get(value), most);
      return message === undefined ? [] : [{ path, message }];
    });
  }

  get(value: SecretValue): string {
    return typeof value === 'string' ? value : (this.files.get(value.file) ?? '');
  }

  /** The first line is the secret; a line end that an editor adds is no part of it. */
  private load(path: string): string | undefined {
    if (this.files.has(path)) return undefined;
    const text = this.read(path);
    if (!text.ok) return `cannot read ${path}: ${text.error}`;
    const [line = '', ...rest] = text.value.replace(/\r?\n$/, '').split(/\r?\n/);
    if (rest.length > 0) return `${path} has more than one line; a secret is one line`;
    if (line === '') return `${path} is empty`;
    this.files.set(path, line);
    return undefined;
  }
}

function tooLong(secret: string, most = Number.POSITIVE_INFINITY): string | undefined {
  const octets = utf8(secret).length;
  return octets > most ? `has ${octets} octets; this one has at most ${most}` : undefined;
}

function hidden(value: string): string | undefined {
  return value === HIDDEN
    ? `${HIDDEN} stands for a secret that is not shown; write the secret, or {file: PATH}`
    : undefined;
}

/**
 * A text that parsed without fault, as it may be shown: secrets hidden; no comments, where an old one may stand.
 * Undefined for a text that is no YAML.
 */
export function withoutSecrets(text: string): string | undefined {
  const document = documentOf(text);
  if (document === undefined) return undefined;
  for (const { path, value } of places(document.toJS() as RawConfig)) {
    if (typeof value === 'string') document.setIn(path, HIDDEN);
  }
  document.comment = null;
  document.commentBefore = null;
  visit(document, (_, node) => {
    if (!isNode(node)) return;
    node.comment = null;
    node.commentBefore = null;
  });
  return document.toString({ lineWidth: 0 });
}

/** The files that such a text names as its secrets. */
export function secretFiles(text: string): ReadonlySet<string> {
  const document = documentOf(text);
  const found = document === undefined ? [] : places(document.toJS() as RawConfig);
  return new Set(found.flatMap(({ value }) => (typeof value === 'string' ? [] : [value.file])));
}

/** As yaml.ts reads it: a key that looks like a number is its letters, since `01` is another port than `1`. */
function documentOf(text: string): ReturnType<typeof parseText> | undefined {
  const document = parseText(text);
  if (document.errors.length > 0) return undefined;
  visit(document, (where, node) => {
    if (where === 'key' && isScalar(node) && typeof node.value === 'number' && node.source !== undefined)
      node.value = node.source;
  });
  return document;
}
