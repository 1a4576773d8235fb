/* What the plan of a session may ask of the plugin `planned` besides an answer; each is called as a hook, with an argument. */
const { Writable } = require('node:stream');
const { Address } = require('@haraka/email-address');
const constants = require('haraka-constants');

exports.throws = () => {
  throw new Error('broken on purpose');
};

exports.rejects = async () => {
  throw new Error('broken on purpose');
};

exports.never = () => undefined;

exports.twice = (next, _target, _params, { first, second }) => {
  next(constants[first.toLowerCase()], 'the first answer');
  next(constants[second.toLowerCase()], 'the second answer');
};

/** Answers to a command itself, as plugins do that know it. */
exports.responds = (next, connection, _params, { code, words }) => {
  connection.respond(code, words);
  next(constants.ok);
};

/** Sends the client away without a word. */
exports.disconnects = (next, connection) => {
  connection.disconnect();
  next();
};

exports.resets = (next, connection) => {
  connection.reset_transaction();
  next();
};

/** The client may relay. */
exports.relaying = (next, connection) => {
  connection.relaying = true;
  next();
};

/** Arguments that JSON has no word for. */
function argument(value, plugin) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (value.regexp) return new RegExp(value.regexp, 'i');
  if (value.address) return new Address(value.address);
  if (value.plugin) return plugin;
  if (value.filter) return (_type, _encoding, bytes) => Buffer.from(filters[value.filter](bytes.toString()));
  return value;
}

const filters = {
  capitals: (text) => text.toUpperCase(),
  nothing: () => '',
  longer: (text) => `${text}.one more line\r\n`,
};

/** Reads `a.b.c` from the transaction or the connection; answers what holds it, too. */
function reach(path, roots) {
  const keys = path.split('.');
  const last = keys.pop();
  const holder = keys.reduce((at, key) => at?.[key], roots);
  return { holder, last };
}

/**
 * Calls methods, and reads and sets properties, in turn: `['transaction.header.get', 'subject']`,
 * `['transaction.body.ct']`, `['transaction.discard_data', '=', true]`. What they give is noted.
 */
exports.does = function (next, connection, _params, { steps, code, words }) {
  const { transaction } = connection;
  const notes = (transaction ?? connection).notes;
  notes.seen ??= [];
  for (const [path, ...given] of steps) {
    const { holder, last } = reach(path, { connection, transaction });
    if (given[0] === '=') {
      holder[last] = argument(given[1], this);
      continue;
    }
    const value =
      typeof holder?.[last] === 'function'
        ? holder[last](...given.map((each) => argument(each, this)))
        : holder?.[last];
    notes.seen.push([path, plain(value)]);
  }
  next(code === undefined ? undefined : constants[code.toLowerCase()], words);
};

/** What of a value the probe can print: the probe itself leaves out the rest. */
function plain(value) {
  if (value === undefined || typeof value === 'function') return null;
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && typeof value.format === 'function') return value.format();
  return value;
}

/** The server's own field is each server's own. In front of each line stand four octets where clamd is to read it. */
function withoutReceived(message) {
  return message.toString('latin1').replace(/Received: from [^\n]*\n(?:[^\n]{0,4}\t[^\n]*\n)+/, '(Received)');
}

/** Sends the message through a pipe with these options, and notes what came out. */
exports.pipes = (next, { transaction }, _params, options) => {
  const chunks = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  sink.once('finish', () => {
    transaction.notes.piped = withoutReceived(Buffer.concat(chunks));
    next();
  });
  transaction.message_stream.pipe(sink, options);
};

/** Reads the message at once, and once more by iterating. */
exports.reads = (next, { transaction }) => {
  transaction.message_stream.get_data((data) => {
    transaction.notes.read = withoutReceived(data);
    iterated(transaction.message_stream).then(
      (text) => {
        transaction.notes.iterated = text;
        next();
      },
      (error) => next(constants.deny, error.message),
    );
  });
};

async function iterated(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return withoutReceived(Buffer.concat(chunks));
}

/** Notes what is attached. */
exports.attachments = (next, { transaction }) => {
  transaction.notes.attachments = [];
  transaction.attachment_hooks((type, name, _body, stream) => {
    const found = { type, name, bytes: 0 };
    transaction.notes.attachments.push(found);
    stream.on('data', (chunk) => {
      found.bytes += chunk.length;
    });
  });
  next();
};

/** Notes the parts of the message: types, texts, depth. */
exports.parts = (next, { transaction }) => {
  const walk = (body) => ({
    type: body.ct,
    encoding: body.body_encoding,
    text: body.bodytext,
    state: body.state,
    subject: body.header.get('subject'),
    parts: body.children.map(walk),
  });
  transaction.notes.parts = walk(transaction.body);
  transaction.notes.mime_parts = transaction.mime_part_count;
  next();
};
