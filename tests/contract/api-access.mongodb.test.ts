import { describeWith } from '../support/describe-with.ts';
import { describeApiAccess } from './api-access.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeApiAccess('MongoDB', openMongodb),
);
