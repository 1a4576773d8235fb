import { dataSignatures } from './cases/data-signatures.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(dataSignatures);
