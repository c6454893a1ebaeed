// After each file of the lab, when all of it is closed: everything that its listeners have heard was as the contract says.

import { afterAll, expect } from 'vitest';
import { everythingHeard } from './broker.ts';
import { Contract } from './contract.ts';

afterAll(() => {
  const contract = new Contract();
  const faults = everythingHeard().flatMap((heard) => contract.judge(heard).faults);
  expect(faults, 'messages that are not as docs/asyncapi.yaml says').toEqual([]);
});
