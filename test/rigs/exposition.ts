// Prometheus' text format 0.0.4, read as strictly as `promtool check metrics` does: what is not in it is a fault.

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?[0-9]+(?:\\.[0-9]+)?(?:e[+-]?[0-9]+)?)$`,
);
/** Base units only. */
const OTHER_UNITS = /_(?:ms|milliseconds|octets|kilobytes|percent|minutes)(?:_|$)/;

export interface Exposition {
  /** By name and labels, the labels sorted by their names. */
  readonly samples: Readonly<Record<string, number>>;
  readonly types: ReadonlyMap<string, string>;
}

export function parseExposition(text: string): Exposition {
  const samples: Record<string, number> = {};
  const types = new Map<string, string>();
  const helped = new Set<string>();
  let family = '';
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, what, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      if (helped.has(about)) throw new Error(`two families ${about}`);
      helped.add(about);
      family = about;
    } else if (what === 'TYPE') {
      if (family !== about || types.has(about)) throw new Error(`TYPE out of place: ${line}`);
      if ((rest === 'counter') !== about.endsWith('_total')) throw new Error(`${about} is a ${rest}`);
      if (!/^rollcall_[a-z]/.test(about) || OTHER_UNITS.test(about)) throw new Error(`named ${about}`);
      types.set(about, rest);
    } else sample(line);
  }
  return { samples, types };

  function sample(line: string): void {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined) throw new Error(`no sample: ${line}`);
    if (name !== family || !types.has(name)) throw new Error(`sample out of place: ${line}`);
    const sorted = [...labels.matchAll(new RegExp(LABEL, 'g'))].map(([label]) => label).sort();
    const key = sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`;
    if (key in samples) throw new Error(`twice: ${key}`);
    if (types.get(name) === 'counter' && Number(value) < 0) throw new Error(`negative: ${line}`);
    samples[key] = Number(value);
  }
}
