import { SluiceError } from '../../../core/domain/errors.ts';

const elsewhere = (what: string): SluiceError =>
  new SluiceError(
    'MODE_UNSUPPORTED',
    `${what}: the queue is Sluice's own and shared by its processes; use \`sluice queue\` or the API (/api/queue)`,
  );
const notHere = async (): Promise<never> => {
  throw elsewhere('A plugin cannot list or flush the queue');
};

/** Nothing is below it: a plugin that removes files of the queue by their names finds none. */
const noFolder = '/dev/null/haraka-queue';

/**
 * Haraka's `outbound/queue`, told honestly: no mail waits in this process's memory nor in files, and what is asked of the
 * whole queue is refused with the way to get it. `underWay`: mails being handed over.
 */
export const queueFacade = (underWay: () => number) => ({
  name: 'outbound/queue',
  queue_dir: noFolder,
  /** In progress, waiting for delivery, waiting for another try: as Haraka counts what one process holds. */
  get_stats: () => `${underWay()}/0/0`,
  stats: () => ({ queue_dir: noFolder, queue_count: 0 }),
  list_queue: notHere,
  stat_queue: notHere,
  flush_queue: notHere,
  load_pid_queue: async () => undefined,
  ensure_queue_dir: async () => undefined,
  init_queue: async () => undefined,
  scan_queue_pids: async () => [],
  delivery_queue: {
    tasks: [],
    length: () => 0,
    push: () => {
      throw elsewhere('A plugin cannot put mail into the queue but by send_email');
    },
  },
  temp_fail_queue: {
    queue: [],
    length: () => 0,
    add: () => {
      throw elsewhere('A plugin cannot put mail off but by its hooks');
    },
    discard: () => {
      throw elsewhere('A plugin cannot discard queued mail');
    },
    drain: () => undefined,
    shutdown: () => undefined,
  },
});
