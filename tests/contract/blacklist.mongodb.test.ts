import { describeWith } from '../support/describe-with.ts';
import { describeBlacklist } from './blacklist.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeBlacklist('MongoDB', openMongodb),
);
