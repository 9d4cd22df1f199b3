#!/usr/bin/env bash
# A Docker engine that answers: the one that runs, else Debian's, installed and started here (needs root).
set -euo pipefail

if docker info >/dev/null 2>&1 && command -v docker-compose >/dev/null 2>&1; then
    exit 0
fi
missing=()
command -v dockerd >/dev/null 2>&1 || missing+=(docker.io)
command -v docker-compose >/dev/null 2>&1 || missing+=(docker-compose)
command -v iptables >/dev/null 2>&1 || missing+=(iptables)
command -v debootstrap >/dev/null 2>&1 || missing+=(debootstrap)
if ((${#missing[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
docker info >/dev/null 2>&1 && exit 0

log=$(mktemp --suffix=.dockerd.log)
setsid dockerd >"$log" 2>&1 </dev/null &
for _ in $(seq 120); do
    docker info >/dev/null 2>&1 && exit 0
    kill -0 $! 2>/dev/null || break
    sleep 0.5
done
echo "dockerd does not answer; its log:" >&2
tail -n 20 "$log" >&2
exit 1
