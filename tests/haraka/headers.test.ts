import { headers } from './cases/headers.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(headers);
