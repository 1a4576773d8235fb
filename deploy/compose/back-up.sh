#!/usr/bin/env bash
# Copies what a Compose installation must not lose into FOLDER: the database, as it was at one moment, and the secrets.
#   deploy/compose/back-up.sh FOLDER
set -euo pipefail
folder=${1:?usage: back-up.sh FOLDER}
umask 077
mkdir -p "$folder"
docker compose exec -T mongodb bash -c \
  'exec mongodump --quiet --archive --gzip --oplog --host 127.0.0.1 --authenticationDatabase admin \
    --username sluice --password "$(cat /secrets/mongodb_password)"' > "$folder/mongodb.archive.gz"
for volume in /secrets /server-secrets; do
  docker compose run --rm --no-deps -T --entrypoint tar make-secrets --create --directory "$volume" . \
    > "$folder/${volume#/}.tar"
done
echo "backed up to $folder; keep it as safe as the passwords in it"
