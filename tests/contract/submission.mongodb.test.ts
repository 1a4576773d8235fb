import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeSubmission } from './submission.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeSubmission('MongoDB', openMongodb),
);
