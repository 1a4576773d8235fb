import { dnsList } from './cases/dns-list.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(dnsList);
