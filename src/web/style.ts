// The one style sheet, inside each page: a request the less, and its digest in the Content-Security-Policy lets in no other.
// Every pair of colours has a contrast of 4.5 and more (WCAG 2.2 §1.4.3), in light and in dark; lines and the frames of fields 3
// and more (§1.4.11). None of its characters is one that HTML escapes.

export const STYLE = `:root{color-scheme:light dark;--ground:#f3f4f6;--card:#fff;--text:#1b1f24;--faint:#4b5563;--line:#6b7280;--act:#0b57a4;--on-act:#fff;--bad:#a3161f;--bad-ground:#fdecec;--good:#14602f;--good-ground:#e7f5ec}
@media (prefers-color-scheme:dark){:root{--ground:#0f1317;--card:#1a2027;--text:#e8eaed;--faint:#b3bbc5;--line:#8b95a1;--act:#8ec5ff;--on-act:#0b1a2b;--bad:#ffb3b3;--bad-ground:#3a1517;--good:#a5e3ba;--good-ground:#12301d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:0 auto;padding:1rem;min-height:100vh}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.25rem}
h1{font-size:1.375rem;line-height:1.25;margin:0 0 1rem}
p{margin:0 0 1rem;overflow-wrap:anywhere}
label{display:block;font-weight:600;margin:0 0 .25rem}
input{display:block;width:100%;min-height:2.75rem;padding:.5rem .75rem;margin:0 0 1rem;font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.375rem}
input[aria-invalid]{border:2px solid var(--bad)}
button{display:block;width:100%;min-height:2.75rem;padding:.5rem 1rem;font:inherit;font-weight:600;color:var(--on-act);background:var(--act);border:2px solid var(--act);border-radius:.375rem;cursor:pointer}
a{color:var(--act)}
a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.note{padding:.75rem;border-left:.25rem solid;border-radius:.25rem;overflow-wrap:anywhere}
.bad{color:var(--bad);background:var(--bad-ground)}
.good{color:var(--good);background:var(--good-ground)}
.error{display:block;color:var(--bad);margin:-.75rem 0 1rem;font-size:.9375rem}
dl{margin:0 0 1.25rem;display:grid;grid-template-columns:auto 1fr;gap:.5rem 1rem}
dt{color:var(--faint)}
dd{margin:0;text-align:right;overflow-wrap:anywhere;min-width:0}
footer{color:var(--faint);font-size:.875rem;margin:1rem 0 0;text-align:center}`;
