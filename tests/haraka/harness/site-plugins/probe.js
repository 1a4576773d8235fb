/*
 * A site's own plugin, run by both servers: accepts recipients at example.com as the last to be asked, and writes down
 * what the other plugins left, at the end of each transaction and of each connection, one line of JSON each.
 */
const fs = require('node:fs');

exports.register = function () {
  this.file = this.config.get('probe_file');
  this.register_hook('rcpt', 'accept_local', 100);
  this.register_hook('reset_transaction', 'print_transaction', 100);
  this.register_hook('disconnect', 'print_connection', 100);
};

exports.accept_local = (next, _connection, params) => {
  next(params[0].host === 'example.com' ? OK : CONT);
};

exports.print_transaction = function (next, connection) {
  const { transaction } = connection;
  if (transaction) {
    this.print('transaction', {
      client: connection.remote.ip,
      mail_from: transaction.mail_from?.format(),
      rcpt_to: transaction.rcpt_to.map((address) => address.format()),
      relaying: Boolean(connection.relaying),
      rcpt_count: transaction.rcpt_count,
      msg_status: transaction.msg_status,
      notes: plain(transaction.notes),
      results: plain(transaction.results.store ?? transaction.results.get_all()),
    });
  }
  next();
};

exports.print_connection = function (next, connection) {
  this.print('connection', {
    client: connection.remote.ip,
    remote: {
      ip: connection.remote.ip,
      host: connection.remote.host,
      is_private: connection.remote.is_private,
      is_local: connection.remote.is_local,
    },
    hello: plain(connection.hello),
    tls: Boolean(connection.tls.enabled),
    esmtp: Boolean(connection.esmtp),
    early_talker: Boolean(connection.early_talker),
    pipelining: Boolean(connection.pipelining),
    relaying: Boolean(connection.relaying),
    errors: connection.errors,
    tran_count: connection.tran_count,
    rcpt_count: connection.rcpt_count,
    msg_count: connection.msg_count,
    last_reject: connection.last_reject,
    notes: plain(connection.notes),
    results: plain(connection.results.store ?? connection.results.get_all()),
  });
  next();
};

exports.print = function (event, facts) {
  fs.appendFileSync(this.file, `${JSON.stringify({ event, ...facts })}\n`);
};

/** What of a value can be compared: no functions, no timers, no sockets, nothing twice on one path. */
function plain(value, above = []) {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (typeof value !== 'object') return undefined;
  if (Buffer.isBuffer(value)) return `(${value.length} octets)`;
  if (value instanceof Error || typeof value.stack === 'string') return `(error) ${value.message}`;
  if (Object.prototype.toString.call(value) === '[object Date]') return '(date)';
  if (Object.prototype.toString.call(value) === '[object RegExp]') return String(value);
  if (above.includes(value) || above.length > 8) return undefined;
  const path = [...above, value];
  if (Array.isArray(value)) return value.map((item) => plain(item, path) ?? null);
  const name = value.constructor?.name;
  if (name === 'Timeout' || name === 'Socket' || name === 'TLSSocket') return `(${name})`;
  if (typeof value.original === 'string' && typeof value.host === 'string') return value.original;
  const copy = {};
  for (const key of Object.keys(value).sort()) {
    const inner = plain(value[key], path);
    if (inner !== undefined) copy[key] = inner;
  }
  return copy;
}
