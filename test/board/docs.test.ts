// What README.md and docs/ name is there: pages and places of them, goals of make, commands and options of the command line, files,
// keys of the configuration. CHANGELOG.md tells of what was, and is not held to this.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { err, ok } from '../../src/base/result.ts';
import { buildCli } from '../../src/cli/cli.ts';
import { describeFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { SMALLEST } from '../config/samples.ts';
import { KEYS } from '../rigs/config-keys.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGES = [
  'README.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
/** Made by what the page tells of, or there on the machine that it was made for. */
const MADE = /^(board\/qemu\/cache|native\/build|board\/openwrt\/rollcall\/rollcall-.*\.tar\.gz)/;

/** Of OpenWrt's SDK and image builder. */
const OF_THE_SDK = ['defconfig', 'image'];

interface Page {
  readonly text: string;
  /** Fenced blocks by their language; those that are indented have none. */
  readonly blocks: readonly { readonly language: string; readonly text: string }[];
  /** `code` in a sentence; one that goes on in the next line is one. */
  readonly spans: readonly string[];
}

function read(name: string): Page {
  const text = readFileSync(path.join(ROOT, name), 'utf8');
  const fenced = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }));
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  const indented = [...prose.matchAll(/(?<=\n\n)(?: {4}.*\n(?:\n(?= {4}))?)+/g)].map(([block]) => ({
    language: '',
    text: block.replace(/^ {4}/gm, ''),
  }));
  const spans = [...prose.replace(/^ {4}.*$/gm, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) =>
    span.replace(/\s+/g, ' '),
  );
  return { text, blocks: [...fenced, ...indented], spans };
}

/** A line of a shell each, without its comment, its prompt, and what is before the program. */
function commands({ blocks, spans }: Page): readonly string[] {
  const lines = blocks.filter(({ language }) => language !== 'yaml').flatMap(({ text }) => text.split('\n'));
  return [...lines, ...spans]
    .flatMap((line) => line.replace(/ +#.*$/, '').split(/ (?:&&|\|) |; | {3,}/))
    .map((line) => line.replace(/^(?:\$ |chroot \S+ |ip netns exec \S+ |[A-Z_]+=\S+ )+/, '').trim());
}

/** As GitHub makes them of headings. */
function anchors({ text }: Page): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The words of its `Commands:`, and every option, of what `--help` says; by the words before. */
const HELP = new Map<string, { readonly commands: readonly string[]; readonly options: readonly string[] }>();

async function learn(words: readonly string[]): Promise<void> {
  let text = '';
  const cli = buildCli({
    run: async () => 0,
    files: { readText: () => err(''), readSecret: () => err(''), replaceFile: () => err('') },
    out: (said) => {
      text += said;
    },
    color: false,
  });
  await cli.parse([...words, '--help']);
  const listed = /^Commands:\n((?: {2}.*\n)*)/m.exec(text)?.[1] ?? '';
  const names = [...listed.matchAll(/^ {2}([a-z]+)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
  const options = [...text.matchAll(/^ {2}(-[A-Za-z])?,? ?(--[a-z-]+)?/gm)].flatMap(([, short, long]) => [
    short,
    long,
  ]);
  HELP.set(words.join(' '), { commands: names, options: options.filter((option) => option !== undefined) });
  for (const name of names) await learn([...words, name]);
}

function goals(...makefiles: readonly string[]): readonly string[] {
  const text = makefiles.map((name) => readFileSync(path.join(ROOT, name), 'utf8')).join('');
  return [...text.matchAll(/^([a-z0-9-]+):(?!=)/gm)].map(([, goal = '']) => goal);
}

beforeAll(() => learn([]));

describe.each(PAGES)('%s', (name) => {
  const page = read(name);

  it('leads to what is there', () => {
    const lost = [...page.text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [file = '', anchor] = target.split('#');
        const to = file === '' ? name : path.join(path.dirname(name), file);
        if (!existsSync(path.join(ROOT, to))) return true;
        return anchor !== undefined && !anchors(read(to)).includes(anchor);
      });
    expect(lost).toEqual([]);
  });

  it('names goals that make has', () => {
    const ours = [...goals('Makefile'), ...OF_THE_SDK];
    const native = goals('native/Makefile', 'native/target.mk');
    const lost = commands(page).filter((line) => {
      const [, where, words = ''] = /^make (-C native )?(.*)$/.exec(line) ?? [];
      const named = words.split(' ').filter((word) => /^[a-z0-9-]+$/.test(word));
      return named.some((goal) => !(where === undefined ? ours : native).includes(goal));
    });
    expect(lost).toEqual([]);
    const scripts = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')).scripts ?? {};
    const asked = commands(page).map((line) => /^npm run (\S+)/.exec(line)?.[1]);
    expect(asked.filter((script) => script !== undefined && !(script in scripts))).toEqual([]);
  });

  it('names commands and options that the command line has', () => {
    const lost = commands(page).filter((line) => {
      const words = /^(?:dist\/)?rollcall (?!\.\.\.)([^/]+)$/.exec(line)?.[1]?.split(' ') ?? [];
      let at = '';
      for (const word of words) {
        const next = HELP.get(at)?.commands.includes(word) ? `${at} ${word}`.trim() : at;
        if (next === at) break;
        at = next;
      }
      const first = words[0] ?? '';
      if (at === '' && /^[a-z]/.test(first)) return true;
      const options = words.map((word) => /^--?[a-z][a-z-]*/i.exec(word)?.[0]);
      return options.some((option) => option !== undefined && !HELP.get(at)?.options.includes(option));
    });
    expect(lost).toEqual([]);
  });

  it('names files of this repository that are there', () => {
    const lost = [...page.spans, ...commands(page).flatMap((line) => line.split(' '))]
      .filter((word) => /^(?:src|test|board|docs|native)\/[\w./-]+$/.test(word) && !MADE.test(word))
      .filter((word) => !existsSync(path.join(ROOT, word)));
    expect(lost).toEqual([]);
  });

  it('names keys that the configuration has', () => {
    const paths = KEYS.map((key) => key.path.split('.'));
    const tops = new Set(paths.map(([top]) => top));
    const lost = page.spans.filter((span) => {
      const [word = ''] = /^[a-z_0-9]+(?:\.(?:[a-z_0-9]+|<\w+>|\*))+(?=$|: )/.exec(span) ?? [];
      const parts = word.split('.');
      if (word === '' || word.endsWith('.ts') || !tops.has(parts[0])) return false;
      return !paths.some((key) =>
        parts.every((part, i) => part.startsWith('<') || part === key[i] || key[i] === '*'),
      );
    });
    expect(lost).toEqual([]);
  });

  // Each over those before it on the page; where a page speaks of a role, that is there.
  it('shows configurations, and parts of one, that are right', () => {
    const parts = page.blocks.filter(({ language }) => language === 'yaml');
    let whole: ConfigPart = overlay(parseDocument(SMALLEST).toJS(), { roles: { guest: {} } });
    for (const { text } of parts) {
      const part = parseDocument(text).toJS() as ConfigPart;
      whole = 'switch' in part ? part : overlay(whole, part);
      const parsed = parseConfig(JSON.stringify(whole), () => ok('a secret of 20 letters\n'));
      expect(parsed.ok ? [] : parsed.error.map(describeFault), text).toEqual([]);
    }
  });
});
