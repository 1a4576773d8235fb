import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeSenderDomains } from './sender-domains.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeSenderDomains('MongoDB', openMongodb),
);
