import { hookMatrix } from './cases/probe/hook-matrix.ts';
import { describePlanned } from './harness/describe-planned.ts';

describePlanned('every hook, every code, every form of words', hookMatrix);
