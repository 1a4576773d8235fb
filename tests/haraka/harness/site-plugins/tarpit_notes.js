/* A site's own plugin: who is called `slow` is served slowly, as a transaction or as a connection. */

exports.hook_mail = (next, connection, params) => {
  if (params[0].user === 'slow') connection.transaction.notes.tarpit = 1;
  if (params[0].user === 'slowest') connection.notes.tarpit = 1;
  next();
};
