import { pino } from 'pino';
import { openSqliteStore } from '../../core/storage/sqlite/store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeSenderDomains } from './sender-domains.ts';

describeSenderDomains('SQLite', async () => {
  const folder = await temporaryFolder('sender-domains');
  const store = await openSqliteStore({
    folder: folder.path,
    log: pino({ level: 'silent' }),
    ambiguousDelay: 0,
    freeSpace: 0,
    reserve: 0,
    unwritten: 1e6,
    retention: { captured: 1e9, log: 1e9, receiving: 1e9 },
    sweep: 1e9,
  });
  const { accounts, senderDomains } = store;
  return {
    accounts,
    senderDomains,
    close: async () => {
      await store.close();
      await folder.remove();
    },
  };
});
