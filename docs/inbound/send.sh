#!/bin/sh
# Send a file of records (JSON) to Odoo, signed. Needs openssl and curl.
#
#   ADDRESS=https://odoo.example.com/assist_billing/inbound/KEY_ID \
#   SECRET=... send.sh sessions.json
#
# Further arguments go to curl. Other users of the machine can see the arguments of openssl while
# it runs: use a machine, or a container, of its own.
set -eu

file=$1
shift
timestamp=$(date +%s)
signature=$(
    { printf '%s.' "$timestamp"; cat "$file"; } |
        openssl dgst -sha256 -hmac "$SECRET" |
        sed 's/^.* //'
)
curl --silent --show-error --fail-with-body --max-time 60 \
    --header 'Content-Type: application/json' \
    --header "X-Assist-Timestamp: $timestamp" \
    --header "X-Assist-Signature: $signature" \
    --data-binary "@$file" "$@" "$ADDRESS"
