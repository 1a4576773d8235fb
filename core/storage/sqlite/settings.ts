import type { SettingsStore } from '../ports/settings.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';

export const sqliteSettings = (commits: GroupCommit, reader: ReaderClient): SettingsStore => ({
  current: () => reader.call('currentSettings'),
  version: (number) => reader.call('settingsVersion', number),
  latest: () => reader.call('latestSettings'),
  list: (options) => reader.call('listSettings', options),
  propose: (version) => commits.call('proposeSettings', version),
  accept: (number) => commits.call('acceptSettings', number),
  reject: (number, reason) => commits.call('rejectSettings', number, reason),
});
