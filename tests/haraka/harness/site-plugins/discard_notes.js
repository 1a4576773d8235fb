/* A site's own plugin: what the sender's name asks for, is noted for the queue plugins. */

exports.hook_mail = (next, connection, params) => {
  const { notes } = connection.transaction;
  if (params[0].user === 'transaction') notes.discard = true;
  if (params[0].user === 'connection') connection.notes.discard = true;
  if (params[0].user === 'wanted') notes.set('queue.wants', 'discard');
  next();
};
