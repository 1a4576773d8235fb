#!/usr/bin/env bash
# Copies what a Compose installation must not lose into FOLDER: the database, as it was at one moment, and the secrets.
# Sluice may go on working meanwhile.
#   deploy/compose/back-up.sh FOLDER
set -euo pipefail
folder=${1:?usage: back-up.sh FOLDER}
umask 077
mkdir -p "$folder"
# Each has another name until all are whole: an earlier copy is not replaced by a half one.
trap 'rm -f "$folder"/*.partial' EXIT
# The password goes by a file, so that no list of processes shows it.
docker compose exec -T mongodb bash -c \
  'exec mongodump --archive --gzip --oplog --host 127.0.0.1 --authenticationDatabase admin --username sluice \
    --config <(printf "password: %s\n" "$(cat /secrets/mongodb_password)")' > "$folder/mongodb.archive.gz.partial"
for volume in /secrets /server-secrets; do
  docker compose run --rm --no-deps -T --entrypoint bash make-secrets \
    -c "cd $volume && exec tar --create --file - -- *" > "$folder/${volume#/}.tar.partial"
done
for file in "$folder"/*.partial; do mv "$file" "${file%.partial}"; done
echo "backed up to $folder; keep it as safe as the passwords in it"
