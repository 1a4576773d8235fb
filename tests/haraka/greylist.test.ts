import { greylist } from './cases/greylist.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(greylist);
