import { describeWith } from '../support/describe-with.ts';
import { describeEvents } from './events.ts';
import { openMongodb } from './mongodb-storage.ts';

describeWith(['mongodb'], 'a server that speaks the protocol of MongoDB', () => describeEvents('MongoDB', openMongodb));
