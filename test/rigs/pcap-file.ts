// Writes captures that tshark and wireshark read: the classic pcap format, Ethernet link type.

import { writeFileSync } from 'node:fs';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_ETHERNET = 1;
const SNAP_LENGTH = 65_535;

/** The file's octets. Frames are one millisecond apart, from 1970 on. */
export function pcapFile(frames: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(0, MAGIC_MICROSECONDS);
  header.setUint16(4, 2);
  header.setUint16(6, 4);
  header.setUint32(16, SNAP_LENGTH);
  header.setUint32(20, LINKTYPE_ETHERNET);
  parts.push(new Uint8Array(header.buffer));
  frames.forEach((frame, index) => {
    const record = new DataView(new ArrayBuffer(16));
    record.setUint32(0, Math.floor(index / 1000));
    record.setUint32(4, (index % 1000) * 1000);
    record.setUint32(8, frame.length);
    record.setUint32(12, frame.length);
    parts.push(new Uint8Array(record.buffer), frame);
  });
  return Buffer.concat(parts);
}

export function writePcapFile(path: string, frames: readonly Uint8Array[]): void {
  writeFileSync(path, pcapFile(frames));
}
