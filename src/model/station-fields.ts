// The client and its port as fields on disk (base/fields.ts), each under a tag that the codec of the whole gives: an accounting
// record has them, and so has a living session.

import type { Fields, FieldWriter } from '../base/fields.ts';
import type { AcctStation } from './acct.ts';
import type { PortName } from './dataplane.ts';

export type StationTags = Readonly<Record<keyof AcctStation, number>>;

export function writeStation(out: FieldWriter, tags: StationTags, station: AcctStation): void {
  out.mac(tags.mac, station.mac);
  out.text(tags.port, station.port);
  out.numbers(tags.nasPort, station.nasPort);
  out.mac(tags.calledStation, station.calledStation);
}

/** All of it, or undefined. */
export function readStation(fields: Fields, tags: StationTags): AcctStation | undefined {
  const mac = fields.mac(tags.mac);
  const port = fields.text(tags.port);
  const nasPort = fields.number(tags.nasPort);
  const calledStation = fields.mac(tags.calledStation);
  if (mac === undefined || port === undefined || nasPort === undefined || calledStation === undefined)
    return undefined;
  return { mac, port: port as PortName, nasPort, calledStation };
}
