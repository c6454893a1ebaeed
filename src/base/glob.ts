// Globs over port names: `*` any run, `?` one character, `[a-z0]` one of a set, `[!a]` one outside it. Nothing is escaped.
// Backtracks to the last star only: at most pattern length times name length steps.

export function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/** The pattern that only this name matches: each character that means something stands in a set of its own. */
export function literalPattern(name: string): string {
  return name.replace(/[*?[]/g, '[$&]');
}

export function globMatches(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
      continue;
    }
    const next = matchOne(pattern, p, name[n] ?? '');
    if (next > 0) {
      p = next;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Where the pattern goes on after it has matched `character` at `at`; 0 = it does not match. */
function matchOne(pattern: string, at: number, character: string): number {
  const wanted = pattern[at];
  if (wanted === '?') return at + 1;
  const close = wanted === '[' ? pattern.indexOf(']', at + 2) : -1;
  if (close < 0) return wanted === character ? at + 1 : 0;
  const negated = pattern[at + 1] === '!' && close > at + 2;
  return inSet(pattern.slice(negated ? at + 2 : at + 1, close), character) !== negated ? close + 1 : 0;
}

function inSet(set: string, character: string): boolean {
  for (let i = 0; i < set.length; i++) {
    const from = set[i] ?? '';
    const to = set[i + 1] === '-' && i + 2 < set.length ? (set[i + 2] ?? '') : from;
    if (from <= character && character <= to) return true;
    if (to !== from) i += 2;
  }
  return false;
}
