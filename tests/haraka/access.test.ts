import { access } from './cases/access.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(access);
