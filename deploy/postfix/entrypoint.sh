#!/usr/bin/env bash
# Starts Postfix in the foreground with configs/postfix and what config.env says:
#   POSTFIX_HOSTNAME            its name towards others; default: the container's
#   POSTFIX_RELAYHOST           where all mail goes, as Postfix writes it: [smtp.provider.example]:587
#   POSTFIX_RELAYHOST_USERNAME  login there; TLS is then required
#   POSTFIX_RELAYHOST_PASSWORD  or POSTFIX_RELAYHOST_PASSWORD_FILE
# CONFIGURATION and FROM are for tests, which run it elsewhere than in a container.
set -euo pipefail
from=${FROM:-/configs}
configuration=${CONFIGURATION:-/etc/postfix}

install -m 644 "$from/main.cf" "$from/master.cf" "$configuration/"
set_parameter() { postconf -c "$configuration" -e "$1=$2"; }

if [ -n "${POSTFIX_HOSTNAME:-}" ]; then set_parameter myhostname "$POSTFIX_HOSTNAME"; fi
if [ -n "${POSTFIX_RELAYHOST:-}" ]; then set_parameter relayhost "$POSTFIX_RELAYHOST"; fi
if [ -n "${POSTFIX_RELAYHOST_PASSWORD_FILE:-}" ]; then
  POSTFIX_RELAYHOST_PASSWORD=$(cat "$POSTFIX_RELAYHOST_PASSWORD_FILE")
fi
if [ -n "${POSTFIX_RELAYHOST_USERNAME:-}" ]; then
  : "${POSTFIX_RELAYHOST:?POSTFIX_RELAYHOST_USERNAME is set, and POSTFIX_RELAYHOST is not}"
  : "${POSTFIX_RELAYHOST_PASSWORD:?POSTFIX_RELAYHOST_USERNAME is set, and POSTFIX_RELAYHOST_PASSWORD is not}"
  (
    umask 077
    printf '%s %s:%s\n' "$POSTFIX_RELAYHOST" "$POSTFIX_RELAYHOST_USERNAME" "$POSTFIX_RELAYHOST_PASSWORD" \
      > "$configuration/relayhost_login"
  )
  set_parameter smtp_sasl_auth_enable yes
  set_parameter smtp_sasl_password_maps "texthash:$configuration/relayhost_login"
  # A password is never sent in clear.
  set_parameter smtp_tls_security_level encrypt
fi
unset POSTFIX_RELAYHOST_PASSWORD

if [ ! -e "$configuration/certificate.pem" ]; then
  name=$(postconf -c "$configuration" -h myhostname)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$name" \
    -keyout "$configuration/certificate-key.pem" -out "$configuration/certificate.pem" 2> /dev/null
  chmod 600 "$configuration/certificate-key.pem"
fi
postfix -c "$configuration" check
exec postfix -c "$configuration" start-fg
