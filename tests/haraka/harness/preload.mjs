/*
 * Loaded with --import into the servers under comparison. Every DNS question goes to the local server of the test,
 * whichever way a plugin asks; and plugins are loaded when the list of public suffixes is, which otherwise comes some
 * moment later, so that the first sessions of a process would be judged without it.
 */
import dns from 'node:dns';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const servers = [process.env.HARAKA_TEST_DNS];
for (const api of [dns, dns.promises]) {
  api.setServers(servers);
  api.Resolver = class extends api.Resolver {
    constructor(options) {
      super(options);
      this.setServers(servers);
    }
  };
}
syncBuiltinESMExports();

// What else runs in threads has no sessions to judge, and waits for nothing.
if (isMainThread) await createRequire(join(import.meta.dirname, '../site/index.js'))('haraka-tld').ready;
