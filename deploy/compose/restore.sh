#!/usr/bin/env bash
# Puts back what back-up.sh copied, into an installation without data of its own: nothing that is there is overwritten.
#   deploy/compose/restore.sh FOLDER
set -euo pipefail
folder=${1:?usage: restore.sh FOLDER}
for volume in /secrets /server-secrets; do
  docker compose run --rm --no-deps -T --entrypoint tar make-secrets --extract --skip-old-files --directory "$volume" \
    < "$folder/${volume#/}.tar"
done
docker compose up --detach --wait mongodb
docker compose exec -T mongodb bash -c \
  'exec mongorestore --quiet --archive --gzip --oplogReplay --host 127.0.0.1 --authenticationDatabase admin \
    --username sluice --password "$(cat /secrets/mongodb_password)"' < "$folder/mongodb.archive.gz"
docker compose up --detach
