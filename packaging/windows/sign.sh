#!/usr/bin/env bash
# Signs Windows programs with a certificate's file, and has the time of it witnessed. Asks for osslsigncode.
#
#   WINDOWS_CERTIFICATE_PASSWORD=... bash packaging/windows/sign.sh CERTIFICATE.pfx FILE...
#
# Looked at: PD_TIMESTAMP_URL (RFC 3161; "none" for none).
set -euo pipefail

certificate=${1:?"the certificate"}
shift
url=${PD_TIMESTAMP_URL:-http://timestamp.digicert.com}
stamp=(-ts "$url")
[ "$url" != none ] || stamp=()
password=$(mktemp)
trap 'rm -f "$password"' EXIT
# In a file that only this user may read: arguments are seen by everybody.
printf '%s' "${WINDOWS_CERTIFICATE_PASSWORD:?}" >"$password"
for file in "$@"; do
    osslsigncode sign -pkcs12 "$certificate" -readpass "$password" -h sha256 -n "PD Console" ${stamp[@]+"${stamp[@]}"} \
        -in "$file" -out "$file.signed" >&2
    mv "$file.signed" "$file"
done
