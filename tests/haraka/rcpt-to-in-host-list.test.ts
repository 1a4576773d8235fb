import { inHostList } from './cases/rcpt-to-in-host-list.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(inHostList);
