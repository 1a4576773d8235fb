import { describeWith } from '../support/describe-with.ts';
import { describeCounterTotals } from './counter-totals.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeCounterTotals('MongoDB', openMongodb),
);
