/* What the plan of a session may ask of the plugin `planned` besides an answer; each is called as a hook, with an argument. */
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

/** The client may relay. */
exports.relaying = (next, connection) => {
  connection.relaying = true;
  next();
};
