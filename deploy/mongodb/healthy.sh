#!/usr/bin/env bash
# The health check of the database: makes the replica set of one where there is none, and is well once it has a primary.
set -euo pipefail
password=$(cat /secrets/mongodb_password)
exec mongosh --quiet --norc "mongodb://sluice:$password@127.0.0.1:27017/admin?directConnection=true" /deploy/replica-set.js
