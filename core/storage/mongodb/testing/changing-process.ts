/*
 * Changes a user again and again, each time with an entry in the audit log, until it is killed.
 *   node changing-process.ts URI USER
 */
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { openMongodbStore } from '../store.ts';

const [uri = '', userId = ''] = process.argv.slice(2);
const store = await openMongodbStore({ uri, log: pino({ level: 'silent' }), ambiguousDelay: 0 });
const user = await store.accounts.user(userId);
for (let quota = (user?.dailyQuota ?? 0) + 1; ; quota += 1) {
  await store.accounts.updateUser(
    userId,
    { dailyQuota: quota },
    {
      audit: {
        id: uuidv7(),
        at: Date.now(),
        actor: { kind: 'system' },
        address: null,
        requestId: null,
        action: 'user.change',
        subject: { kind: 'user', id: userId },
        before: null,
        after: { daily_quota: quota },
      },
    },
  );
  process.stdout.write(`${quota}\n`);
}
