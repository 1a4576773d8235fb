import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeWebhooks } from './webhooks.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeWebhooks('MongoDB', openMongodb),
);
