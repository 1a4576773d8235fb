/*
 * Loaded with --require into the servers under comparison: every DNS question goes to the local server of the test,
 * whichever way a plugin asks.
 */
const dns = require('node:dns');
const { syncBuiltinESMExports } = require('node:module');

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
