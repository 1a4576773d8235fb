import { heloChecks } from './cases/helo-checks.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(heloChecks);
