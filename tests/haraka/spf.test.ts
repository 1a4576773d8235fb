import { spf } from './cases/spf.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(spf);
