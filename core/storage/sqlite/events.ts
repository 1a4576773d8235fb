import type { Events } from '../ports/events.ts';
import type { Webhooks } from '../ports/webhooks.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';

/** Events from the reader thread; the writer says when there are new ones. */
export function sqliteEvents(commits: GroupCommit, reader: ReaderClient): Events & { told(): void } {
  const listeners = new Set<{ readonly listen: () => void }>();
  return {
    list: (filter, options) => reader.call('events', filter, options),
    bounds: () => reader.call('eventBounds'),
    watch(listener) {
      const entry = { listen: listener };
      listeners.add(entry);
      if (listeners.size === 1) commits.tell({ kind: 'watch-events', on: true });
      return () => {
        if (listeners.delete(entry) && listeners.size === 0) commits.tell({ kind: 'watch-events', on: false });
      };
    },
    /** The writer stored some. */
    told() {
      for (const { listen } of [...listeners]) listen();
    },
  };
}

export const sqliteWebhooks = (commits: GroupCommit, reader: ReaderClient): Webhooks => ({
  insert: (stored, options) => commits.call('insertWebhook', stored, options),
  get: (id) => reader.call('webhook', id),
  list: (options) => reader.call('listWebhooks', options),
  enabled: () => reader.call('enabledWebhooks'),
  update: (id, change, options) => commits.call('updateWebhook', id, change, options),
  remove: (id, audit) => commits.call('removeWebhook', id, audit),
  hold: (id, holder, now, until) => commits.call('holdWebhook', id, holder, now, until),
  saveState: (id, holder, state) => commits.call('saveWebhookState', id, holder, state),
  release: (id, holder) => commits.call('releaseWebhook', id, holder),
});
