// A link that comes and goes: told, until that is more than anybody wants to hear.

import { describe, expect, it } from 'vitest';
import { LinkNews } from '../../src/agent/port/link-news.ts';
import { type Instant, instant, NEVER } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';

const P1 = 'p1' as PortName;
const P2 = 'p2' as PortName;

function listener(): { readonly news: LinkNews; readonly heard: string[] } {
  const heard: string[] = [];
  const news = new LinkNews({
    link: (port, up) => heard.push(`${port} ${up ? 'up' : 'down'}`),
    flaps: (port, message) => heard.push(`${port} flaps: ${message}`),
    settled: (port, _up, message) => heard.push(`${port} settled: ${message}`),
  });
  return { news, heard };
}

/** Changes, one each so many milliseconds; it was up. Returns the time of the last. */
function flap(news: LinkNews, port: PortName, count: number, everyMs: number): Instant {
  for (let n = 1; n <= count; n++) news.changed(port, n % 2 === 0, instant(n * everyMs));
  return instant(count * everyMs);
}

describe('a link', () => {
  it('that changes now and then: each change is told', () => {
    const { news, heard } = listener();
    flap(news, P1, 100, 1_000);
    expect(heard).toHaveLength(100);
    expect(news.pollAt()).toBe(NEVER);
  });

  it('that changes at 10 Hz: ten changes, one warning, and one word when it has been quiet for five seconds', () => {
    const { news, heard } = listener();
    const last = flap(news, P1, 201, 100);
    expect(heard).toHaveLength(11);
    expect(heard.at(-1)).toBe('p1 flaps: the link has changed more than 10 times in 10 s');
    expect(news.pollAt()).toBe(last + 5_000);
    expect(news.isFlapping(P1)).toBe(true);
    news.onTime(instant(last + 4_999));
    expect(heard).toHaveLength(11);
    news.onTime(instant(last + 5_000));
    expect(heard.slice(11)).toEqual(['p1 settled: the link is down after 191 more changes', 'p1 down']);
    expect(news.pollAt()).toBe(NEVER);
    expect(news.isFlapping(P1)).toBe(false);
  });

  it('of another port is told all the same, and a port that is gone is forgotten', () => {
    const { news, heard } = listener();
    flap(news, P1, 50, 100);
    news.changed(P2, false, instant(5_000));
    expect(heard.at(-1)).toBe('p2 down');
    news.gone(P1);
    expect(news.pollAt()).toBe(NEVER);
    news.changed(P1, true, instant(5_100));
    expect(heard.at(-1)).toBe('p1 up');
  });
});
