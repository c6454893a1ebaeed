// A YAML file in the making, and its text. Nothing that a value holds can become structure: every text, keys included, is
// written in double quotes with all but printable ASCII escaped.

import { type KeyPath, pathText } from '../config/fault.ts';

export type Scalar = string | number | boolean | null;
export type Tree = Scalar | Tree[] | TreeMap;
/** In the order of writing: of port patterns a later one wins. */
export type TreeMap = Map<string, Tree>;

/** The mapping at a path, made if need be; undefined where something else stands in the way. */
export function mappingAt(root: TreeMap, path: KeyPath): TreeMap | undefined {
  let node: Tree | undefined = root;
  for (const key of path) {
    const inner: Tree | undefined = child(node, key);
    if (inner === undefined && node instanceof Map) {
      const made: TreeMap = new Map();
      node.set(String(key), made);
      node = made;
    } else node = inner;
  }
  return node instanceof Map ? node : undefined;
}

function child(node: Tree | undefined, key: string | number): Tree | undefined {
  if (node instanceof Map) return node.get(String(key));
  return Array.isArray(node) && typeof key === 'number' ? node[key] : undefined;
}

/** `remark` says what stands in the line above a node, if anything. */
export function yamlText(root: TreeMap, remark: (path: string) => string | undefined): string {
  return `${mapLines(root, [], remark).join('\n')}\n`;
}

type Remark = (path: string) => string | undefined;

function mapLines(map: TreeMap, path: KeyPath, remark: Remark): readonly string[] {
  return [...map].flatMap(([key, value]) => {
    const at = [...path, key];
    const name = /^[a-z_][a-z0-9_]*$/.test(key) && !/^(true|false|null)$/.test(key) ? key : quoted(key);
    const inside = lines(value, at, remark);
    const whole = isSimple(value) ? [`${name}: ${inside[0]}`] : [`${name}:`, ...inside.map(indented)];
    return [...remarkLine(at, remark), ...whole];
  });
}

function listLines(list: readonly Tree[], path: KeyPath, remark: Remark): readonly string[] {
  return list.flatMap((item, index) => {
    const at = [...path, index];
    const [first = '', ...rest] = lines(item, at, remark);
    return [...remarkLine(at, remark), `- ${first}`, ...rest.map(indented)];
  });
}

function lines(value: Tree, path: KeyPath, remark: Remark): readonly string[] {
  if (value instanceof Map) return value.size === 0 ? ['{}'] : mapLines(value, path, remark);
  if (Array.isArray(value)) return value.length === 0 ? ['[]'] : listLines(value, path, remark);
  return [typeof value === 'string' ? quoted(value) : String(value)];
}

function isSimple(value: Tree): boolean {
  if (value instanceof Map) return value.size === 0;
  return !Array.isArray(value) || value.length === 0;
}

function remarkLine(path: KeyPath, remark: Remark): readonly string[] {
  const text = remark(pathText(path));
  return text === undefined ? [] : [`# ${text}`];
}

function indented(line: string): string {
  return `  ${line}`;
}

/** JSON is YAML, but for what JSON leaves as it is and YAML may take for a line end or refuse. */
function quoted(text: string): string {
  const byNumber = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, byNumber);
}
