import { authFlatFile } from './cases/auth-flat-file.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(authFlatFile);
