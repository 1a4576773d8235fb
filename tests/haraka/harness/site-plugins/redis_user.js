/* A site's own plugin that works with the connection to Redis that the plugin `redis` shares. */

exports.hook_mail = async function (next, connection, params) {
  const { results } = connection.transaction;
  const { redis } = server.notes;
  if (!redis) {
    results.add(this, { skip: 'no redis' });
    return next();
  }
  const count = await redis.incr(`sender|${params[0].address}`);
  results.add(this, { pass: 'counted', count });
  if (count > 2) return next(DENYSOFT, `that makes ${count} of you`);
  next();
};

exports.hook_rcpt = async function (next, connection, params) {
  const { redis } = server.notes;
  if (!redis) return next();
  const alias = await redis.hGet('aliases', params[0].address);
  connection.transaction.results.add(this, { msg: `alias ${alias}` });
  await redis.hSet('aliases', params[0].address, 'seen');
  next(alias === 'seen' ? OK : CONT, alias === 'seen' ? 'seen before' : undefined);
};

exports.hook_data = async (next, connection) => {
  const { redis } = server.notes;
  if (!redis) return next();
  const [pong, setting] = await Promise.all([redis.ping(), redis.get('setting')]);
  connection.transaction.add_header('X-Redis', `${pong} ${setting}`);
  next();
};
