import { describeWith } from '../support/describe-with.ts';
import { openMongodb } from './mongodb-storage.ts';
import { describeSpool } from './spool.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () => describeSpool('MongoDB', openMongodb));
