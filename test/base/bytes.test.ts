import { describe, expect, it } from 'vitest';
import { ByteWriter, fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts';

describe('a writer that outgrows its buffer', () => {
  it.each([
    ['u8', (out: ByteWriter) => out.u8(0xa1), 'a1'],
    ['u16', (out: ByteWriter) => out.u16(0xa1a2), 'a1a2'],
    ['u32', (out: ByteWriter) => out.u32(0xa1a2a3a4), 'a1a2a3a4'],
    ['bytes', (out: ByteWriter) => out.bytes(Uint8Array.of(0xa1, 0xa2)), 'a1a2'],
    ['ascii', (out: ByteWriter) => out.ascii('ab'), '6162'],
    ['zeroes', (out: ByteWriter) => out.zeroes(2), '0000'],
  ])('with %s loses nothing, wherever the end of the buffer is', (_, write, hex) => {
    for (let before = 0; before <= 8; before++) {
      const out = new ByteWriter(4);
      for (let i = 0; i < before; i++) out.u8(0x11);
      expect(toHex(write(out).finish())).toBe('11'.repeat(before) + hex);
    }
  });
});

describe('a text', () => {
  it.each([
    'plain',
    'grüezi',
    '\ufeffwith a byte order mark',
    'a long one, \ufeff of more than 64 octets '.repeat(2),
  ])('comes back as it was: %j', (text) => {
    expect(fromUtf8(utf8(text))).toBe(text);
  });
});
