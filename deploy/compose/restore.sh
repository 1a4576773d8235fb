#!/usr/bin/env bash
# Puts back what back-up.sh copied, into an installation without data of its own: nothing that is there is overwritten.
#   deploy/compose/restore.sh FOLDER
set -euo pipefail
folder=${1:?usage: restore.sh FOLDER}
refuse() {
  echo "$1" >&2
  exit 65
}
for file in mongodb.archive.gz secrets.tar server-secrets.tar; do
  [ -s "$folder/$file" ] || refuse "$folder/$file is not there: $folder holds no whole backup; nothing was changed"
done
as_make_secrets() {
  docker compose run --rm --no-deps -T --entrypoint tar make-secrets "$@"
}
for volume in /secrets /server-secrets; do
  as_make_secrets --extract --file - --skip-old-files --directory "$volume" < "$folder/${volume#/}.tar"
  # What the database holds can be read with the secrets of the backup only.
  as_make_secrets --compare --file - --directory "$volume" < "$folder/${volume#/}.tar" ||
    refuse "this installation has other secrets, so it has been in use; its data were not changed. To give them up for the \
backup: docker compose down --volumes, then restore again"
done
docker compose up --detach --wait mongodb
# NAME ARGUMENTS: a program of MongoDB's, logged in.
in_mongodb() {
  docker compose exec -T mongodb bash -c "exec $1 --host 127.0.0.1 --authenticationDatabase admin --username sluice \
    --config <(printf \"password: %s\\n\" \"\$(cat /secrets/mongodb_password)\") $2"
}
octets=$(in_mongodb mongodump '--db sluice --collection schema_version --out -' | wc -c)
[ "$octets" -eq 0 ] ||
  refuse "the database is in use already, and was not changed. To give it up for the backup: docker compose down --volumes, \
then restore again"
in_mongodb mongorestore '--archive --gzip --oplogReplay --stopOnError' < "$folder/mongodb.archive.gz"
docker compose up --detach
