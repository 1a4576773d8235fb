import { xclient } from './cases/xclient.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(xclient);
