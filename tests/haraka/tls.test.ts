import { tls } from './cases/tls.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(tls);
