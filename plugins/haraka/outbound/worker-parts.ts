import type { HarakaFiles } from 'haraka-config';
import type { Clock } from '../../../core/domain/clock.ts';
import type { Logger } from '../../../core/observability/log.ts';
import type { HookRunner } from '../hook-runner.ts';
import type { HarakasLog } from '../host/harakas-log.ts';
import type { Libraries } from '../libraries.ts';

/** What the worker's side of a bridge works with. */
export interface WorkerParts {
  readonly runner: Pick<HookRunner, 'has' | 'run' | 'longest'>;
  readonly libraries: Libraries;
  /** Files of the bridge's installation. */
  readonly files: HarakaFiles;
  /** Where plugins log to. */
  readonly harakasLog: HarakasLog;
  readonly log: Logger;
  readonly clock: Clock;
}
