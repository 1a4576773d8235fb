#!/usr/bin/env bash
# Stands in PATH for `docker` where a Compose installation's programs run without containers: `docker compose exec` and
# `run` carry out what they are told on this machine. From the environment:
#   CALLS        file to which each call is appended
#   VOLUMES      folder with the volumes `secrets` and `server-secrets`
#   PROGRAMS     folder with mongodump and mongorestore
#   MONGODB      port of the database on 127.0.0.1, which takes no login
#   UNSUPPORTED  flags of those programs that the database cannot carry out
set -euo pipefail
printf '%s\n' "$*" >> "$CALLS"

# What the volumes of a service are called within it.
placed() {
  if [ "$1" = mongodb ]; then sed "s#/secrets#$VOLUMES/server-secrets#g" <<< "$2"
  else sed "s#/server-secrets#$VOLUMES/<server>#g; s#/secrets#$VOLUMES/secrets#g; s#<server>#server-secrets#g" <<< "$2"
  fi
}

# Programs of MongoDB's: logged in and at the port of the container, as the script says; here without either.
mongodb_program() {
  local program=$1 arguments=(--port "$MONGODB")
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --username | --authenticationDatabase) shift ;;
      --config) grep -q "^password: $(cat "$VOLUMES/server-secrets/mongodb_password")\$" "$2" && shift ;;
      *) [[ " $UNSUPPORTED " == *" $1 "* ]] || arguments+=("$1") ;;
    esac
    shift
  done
  "$PROGRAMS/$program" "${arguments[@]}"
}
mongodump() { mongodb_program mongodump "$@"; }
mongorestore() { mongodb_program mongorestore "$@"; }

[ "$1" = compose ]
case $2 in
  exec)
    # exec -T SERVICE bash -c COMMAND; a function is no program that `exec` finds.
    [ "$3" = -T ] && [ "$5 $6" = "bash -c" ]
    command=$(placed "$4" "$7")
    eval "${command/#exec /}"
    ;;
  run)
    # run --rm --no-deps -T --entrypoint PROGRAM SERVICE ARGUMENTS…
    [ "$3 $4 $5 $6" = "--rm --no-deps -T --entrypoint" ]
    program=$7 service=$8
    shift 8
    arguments=()
    for argument in "$@"; do arguments+=("$(placed "$service" "$argument")"); done
    exec "$program" "${arguments[@]}"
    ;;
  up) ;;
  *) echo "not known: $*" >&2; exit 64 ;;
esac
