// HTML from templates: what a template's text says is markup, and whatever is put into it is text, always. There is no way
// to put a string in unescaped: only what another template has made goes in as it is.

/** Made by `html` alone, so that nobody can pass a string off as markup. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Of the template's own text. */
  static of(strings: TemplateStringsArray, values: readonly HtmlValue[]): Html {
    let text = strings[0] ?? '';
    values.forEach((value, i) => {
      text += markup(value) + (strings[i + 1] ?? '');
    });
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

export type HtmlValue = string | number | Html | undefined | readonly Html[];

/** Attribute values have to stand in double quotes. `undefined` is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return Html.of(strings, values);
}

function markup(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(String).join('');
  return escapeHtml(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Also what would not be seen as it is: controls and marks of direction, which could make a line read as another one, and
 * halves of characters, become U+FFFD.
 */
export function escapeHtml(text: string): string {
  return text
    .replace(/(?![\t\n])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
