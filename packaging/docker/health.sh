#!/bin/bash
# The image's health check: GET /health over bash's own TCP sockets, so that the image needs no curl.
#
# Usage: health.sh [PORT]        exit status 0: the index can be searched; 1: it cannot, or no answer
set -euo pipefail

port=${1:-7700}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /health HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$port" >&3
IFS= read -r status <&3
case $status in
    'HTTP/1.1 200 '*) ;;
    *) echo "unhealthy: ${status%$'\r'}" >&2; exit 1 ;;
esac
