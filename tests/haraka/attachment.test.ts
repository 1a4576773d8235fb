import { attachment } from './cases/attachment.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(attachment);
