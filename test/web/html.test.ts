// Whatever is put into a template is text, and no text can become markup.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, html } from '../../src/web/html.ts';
import { STYLE } from '../../src/web/style.ts';

describe('a template', () => {
  it('takes what it says as markup, and what is put in as text', () => {
    expect(String(html`<p title="${'"><script>'}">${'<b>&\'"'}</p>`)).toBe(
      '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&#39;&quot;</p>',
    );
  });

  it('takes another template as it is, a list of them, a number, and nothing', () => {
    const item = (n: number) => html`<li>${n}</li>`;
    expect(String(html`<ul>${[item(1), item(2)]}${undefined}${html`<li>${'<'}</li>`}</ul>`)).toBe(
      '<ul><li>1</li><li>2</li><li>&lt;</li></ul>',
    );
  });

  it('shows what would hide: controls, halves of characters, marks of direction', () => {
    expect(escapeHtml('a\u0000b\u001bc\u202ed\ud800e\u2066f')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf');
    expect(escapeHtml('Zoë 李 🙂\n')).toBe('Zoë 李 🙂\n');
  });

  it('never lets markup through, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeHtml(text);
        return !/[<>"']/.test(escaped) && !escaped.replace(/&(amp|lt|gt|quot|#39);/g, '').includes('&');
      }),
    );
  });
});

it('the style sheet is the same inside a page: it has nothing that is escaped', () => {
  expect(escapeHtml(STYLE)).toBe(STYLE);
});
