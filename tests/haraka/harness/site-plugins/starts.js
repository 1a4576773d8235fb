/* A site's own plugin that writes down which hooks of the start it met, and whether there is a web server. */
const fs = require('node:fs');

for (const hook of ['init_master', 'init_child', 'init_http', 'init_wss']) {
  exports[`hook_${hook}`] = function (next) {
    const facts = { event: 'start', hook, http: Object.keys(server.http ?? {}).includes('server') };
    fs.appendFileSync(this.config.get('probe_file'), `${JSON.stringify(facts)}\n`);
    next();
  };
}
