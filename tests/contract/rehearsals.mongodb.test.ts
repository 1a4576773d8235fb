import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeRehearsals } from './rehearsals.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeRehearsals('MongoDB', openMongodb),
);
