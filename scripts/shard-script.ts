import { slots } from '../core/storage/mongodb/mail/slot.ts';
import { shardKeys } from '../core/storage/mongodb/shard-keys.ts';

/** deploy/mongodb/shard.js, for mongosh. */
export function shardScript(): string {
  const keys = Object.entries(shardKeys).flatMap(([name, { key }]) => {
    if (key === null) return [];
    const fields = Object.entries(key).map(([field, kind]) => `${field}: ${kind === 1 ? kind : `'${kind}'`}`);
    return [`  ${name}: { ${fields.join(', ')} },`];
  });
  return `// Made by \`npm run generate\` from core/storage/mongodb/shard-keys.ts. Spreads Sluice's database over the shards of a MongoDB
// cluster (6.0 or newer), and may be run again, also after a shard was added:
//   mongosh "mongodb://<router>/sluice" deploy/mongodb/shard.js
// What is not named here lies on the database's primary shard.
const shardKeys = {
${keys.join('\n')}
};
// Messages of one slot stay together, and slots are dealt out to the shards by zones: what is written now, at the end of
// every slot, is never all on one shard.
const slots = ${slots};

const name = db.getName();
const config = db.getSiblingDB('config');
const found = config.shards.find().sort({ _id: 1 }).toArray();
const shards = found.map((shard) => shard._id);
if (shards.length === 0) throw new Error('this is no router of a sharded cluster');
const isSharded = (collection) => config.collections.countDocuments({ _id: \`\${name}.\${collection}\` }) > 0;

sh.enableSharding(name);
for (const [collection, key] of Object.entries(shardKeys)) {
  db.getCollection(collection).createIndex(key);
  if (isSharded(collection)) continue;
  sh.shardCollection(\`\${name}.\${collection}\`, key);
  print(\`sharded \${collection} by \${JSON.stringify(key)}\`);
}

const messages = \`\${name}.messages\`;
for (const shard of shards) sh.addShardToZone(shard, \`sluice-\${shard}\`);
for (let slot = 0; slot < slots; slot += 1) {
  const zone = \`sluice-\${shards[slot % shards.length]}\`;
  const [from, to] = [slot, slot + 1].map((edge) => ({ slot: edge, _id: MinKey() }));
  const standing = config.tags.findOne({ ns: messages, min: from });
  if (standing !== null && standing.tag === zone) continue;
  if (standing !== null) sh.removeRangeFromZone(messages, from, to);
  sh.updateZoneKeyRange(messages, from, to, zone);
}
print(\`messages: \${slots} slots over \${shards.length} shards\`);
`;
}
