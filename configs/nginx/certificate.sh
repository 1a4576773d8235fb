#!/bin/sh
# Makes a self-signed certificate where there is none, so that nginx starts; put your own in its place.
set -eu
folder=${1:-/etc/nginx/certificate}
if [ ! -e "$folder/certificate.pem" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=sluice" \
    -keyout "$folder/certificate-key.pem" -out "$folder/certificate.pem" 2> /dev/null
  chmod 600 "$folder/certificate-key.pem"
fi
