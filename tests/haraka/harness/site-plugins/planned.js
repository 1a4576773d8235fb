/*
 * A site's own plugin, run by both servers: takes part in every hook, answers each as the plan of the session's client
 * says (`plan.json`, by address), and writes down in the notes of the connection what it was called with.
 */
const fs = require('node:fs');
const DSN = require('haraka-dsn');
const recipes = require('./recipes');

const codes = {
  CONT,
  OK,
  DENY,
  DENYSOFT,
  DENYDISCONNECT,
  DENYSOFTDISCONNECT,
  DISCONNECT,
  STOP,
  DELAY,
  NEXT_HOOK,
};

exports.register = function () {
  const { hooks, sessions } = this.config.get('plan.json');
  this.sessions = sessions;
  for (const hook of hooks) {
    this[`on_${hook}`] = (next, target, params) => this.answer(hook, next, target, params);
    this.register_hook(hook, `on_${hook}`);
  }
};

/** Mail of Haraka's own queue goes to the sink of the test. */
exports.hook_get_mx = function (next, { todo }, domain) {
  const { planned_for: client, mark } = todo.notes;
  // Only where a case asks for it: what Haraka forwards by a plugin never comes here.
  if (mark !== undefined) {
    const [mail_from, ...rcpt_to] = [todo.mail_from, ...todo.rcpt_to].map((address) => address.format());
    this.print({ event: 'outbound', client, domain, mark, mail_from, rcpt_to });
  }
  next(OK, { priority: 0, exchange: '127.0.0.1', port: Number(this.config.get('sink_port')) });
};

exports.answer = function (hook, next, target, params) {
  // `pre_send_trans_email` has no connection.
  const { transaction } = target;
  const client = target.remote?.ip ?? transaction?.notes.planned_for;
  if (hook === 'mail') transaction.notes.planned_for = client;
  const notes = target.notes ?? transaction?.notes;
  if (notes) {
    notes.ran ??= [];
    // `reset_transaction` is called with whatever is to happen next.
    const told = params !== undefined && typeof params !== 'function';
    notes.ran.push(told ? `${hook} ${JSON.stringify(shown(params))}` : hook);
  }
  const planned = this.sessions[client]?.[hook];
  if (planned === undefined) return next();
  if (planned.recipe) return recipes[planned.recipe].call(this, next, target, params, planned.argument);
  const { code, words } = planned;
  if (words?.dsn) next(codes[code], DSN.create(...words.dsn));
  else if (words === undefined) next(codes[code]);
  else next(codes[code], words);
};

exports.print = function (facts) {
  fs.appendFileSync(this.config.get('probe_file'), `${JSON.stringify(facts)}\n`);
};

/** What of parameters can be compared. */
function shown(value) {
  if (Array.isArray(value)) return value.map(shown);
  // What `queue_ok` is given where the server's own queue took the message, are the server's words.
  if (typeof value === 'string' && /^(?:2\.0\.0 Ok: taken|Message Queued) \(/.test(value)) return '(of the server)';
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (typeof value.format === 'function') return value.format();
  if (typeof value.reply !== 'undefined') return `DSN ${value.code} ${value.reply}`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}
