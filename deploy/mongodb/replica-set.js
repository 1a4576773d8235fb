// For mongosh. Ends with 0 when this member is the primary of the replica set `sluice`; makes the set first if needed.
const notYetInitialized = 94;
try {
  rs.status();
} catch (error) {
  if (error.code !== notYetInitialized) throw error;
  rs.initiate({ _id: 'sluice', members: [{ _id: 0, host: 'mongodb:27017' }] });
}
quit(db.hello().isWritablePrimary ? 0 : 1);
