import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';

const tmpfs = 0x01021994;

/** A folder for all queues on one real disk: where /tmp is memory, flushes would cost nothing. */
export const benchFolder = () => {
  const parents = [tmpdir(), '/var/tmp', process.cwd()];
  const parent = parents.find((path) => statfsSync(path).type !== tmpfs);
  return temporaryFolder('bench', 0o755, parent ?? tmpdir());
};
