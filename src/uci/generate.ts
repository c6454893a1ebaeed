// OpenWrt's /etc/config/rollcall becomes the YAML file that the agent reads. Pure: text in, text or every fault out.
//
//   read.ts: words ─▶ translate.ts: which key each option is (sections.ts, options.ts) ─▶ tree.ts: text
//   ─▶ config/parse.ts: is it right? its faults are told at the options that they came from (places.ts)
//
// Promise: what comes out parses without fault; a fault names section and option; no value can become a key or a line of
// its own.
//
// Packages of OpenWrt do this in shell, with /lib/functions.sh. That knows neither numbers from texts nor which options
// there are: a second list of all keys, in another language, to be kept in step by hand, and the quoting of a YAML file done
// with sed. Here both come from the declaration, and the check is the agent's own. It costs one start of Node, a quarter of
// a second of an x86 core; ports are locked before that by other means.

import { err, ok, type Result } from '../base/result.ts';
import type { Config } from '../config/config.ts';
import type { Fault } from '../config/fault.ts';
import { parseConfig } from '../config/parse.ts';
import type { ReadSecret } from '../config/secrets.ts';
import type { UciFault } from './places.ts';
import { readUci } from './read.ts';
import { translate } from './translate.ts';
import { yamlText } from './tree.ts';

export interface Generated {
  readonly text: string;
  readonly config: Config;
  /** Right, but probably not meant. */
  readonly warnings: readonly UciFault[];
}

const HEAD = '# Made from /etc/config/rollcall: change that one, not this.';
/** What stands in a text for octets that are no UTF-8. */
const REPLACEMENT = '\ufffd';

export function yamlFromUci(uci: string, readSecret: ReadSecret): Result<Generated, readonly UciFault[]> {
  if (uci.includes(REPLACEMENT)) return err([{ place: 'rollcall', message: 'it is not all UTF-8' }]);
  const sections = readUci(uci);
  if (!sections.ok) return sections;
  const { tree, places, faults } = translate(sections.value);
  const text = `${HEAD}\n${yamlText(tree, (path) => places.section(path))}`;
  const parsed = parseConfig(text, readSecret);
  const inUci = (found: readonly Fault[]) => found.map((fault) => places.translate(fault));
  if (faults.length > 0 || !parsed.ok) return err([...faults, ...(parsed.ok ? [] : inUci(parsed.error))]);
  const { config, warnings } = parsed.value;
  return ok({ text, config, warnings: inUci(warnings) });
}
