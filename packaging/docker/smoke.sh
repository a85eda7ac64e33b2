#!/usr/bin/env bash
# Runs an image as docs/install.md says: index, serve, wait until healthy, search.
#
# Usage: packaging/docker/smoke.sh IMAGE
#
# Needs Docker and curl.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: packaging/docker/smoke.sh IMAGE" >&2; exit 2; }
image=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
server='' volume=rqsearch-smoke-$$
cleanup() {
    if [ -n "$server" ]; then docker logs "$server"; docker rm --force "$server"; fi >&2
    docker volume rm --force "$volume" >/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# The user in the image is another than the one that runs this.
chmod 755 "$work"
head -c 24 /dev/urandom | base64 > "$work/token"
chmod 644 "$work/token"

docker run --rm --volume "$volume:/index" --volume "$root/corpus:/docs:ro" "$image" index /docs
server=$(docker run --detach --publish 127.0.0.1:0:7700 --volume "$volume:/index:ro" \
    --volume "$work/token:/run/secrets/rqsearch_token:ro" --read-only --cap-drop ALL "$image")
for _ in $(seq 60); do
    health=$(docker inspect --format '{{.State.Health.Status}}' "$server")
    [ "$health" = starting ] || break
    sleep 1
done
[ "$health" = healthy ] || { echo "the container is $health" >&2; exit 1; }
[ "$(docker exec "$server" id -u)" != 0 ] || { echo "the server runs as root" >&2; exit 1; }
address=$(docker port "$server" 7700/tcp)
curl --fail --silent --show-error --header "Authorization: Bearer $(cat "$work/token")" \
    "http://$address/search?q=holding+a+mutex+across+await&limit=1"
