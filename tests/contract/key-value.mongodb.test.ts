import { describeWith } from '../support/describe-with.ts';
import { describeKeyValue } from './key-value.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeKeyValue('MongoDB', openMongodb),
);
