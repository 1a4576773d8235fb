import { describeWith } from '../support/describe-with.ts';
import { describeIdempotency } from './idempotency.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeIdempotency('MongoDB', openMongodb),
);
