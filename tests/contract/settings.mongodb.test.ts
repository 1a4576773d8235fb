import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeSettings } from './settings.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () =>
  describeSettings('MongoDB', openMongodb),
);
