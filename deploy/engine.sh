#!/usr/bin/env bash
# A Docker engine that answers, with Compose v2 and BuildKit: what is there, else Debian's, installed and started here (needs
# root). The plugins come from Debian 13 where the machine's own release has none; they are programs without dependencies.
set -euo pipefail

plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins

has_plugins() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

# From this machine's own mirror, with lists of its own, so that nothing else changes.
fetch_plugins() {
    local root mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    root=$(mktemp -d)
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | head -n 1)
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$plugins"
    [ -e "$keyring" ] || keyring=
    echo "deb ${keyring:+[signed-by=$keyring]} $mirror trixie main" >"$root/sources.list"
    local private=(-qq -o "Dir::Etc::SourceList=$root/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root/cache" -o APT::Sandbox::User=root)
    apt-get "${private[@]}" update
    (cd "$root" && apt-get "${private[@]}" download docker-compose docker-buildx)
    for package in "$root"/*.deb; do
        dpkg -x "$package" "$root/unpacked"
    done
    install -m 755 "$root"/unpacked/usr/libexec/docker/cli-plugins/* "$plugins"
    rm -rf "$root"
}

missing=()
command -v docker >/dev/null 2>&1 || missing+=(docker.io)
docker info >/dev/null 2>&1 || command -v dockerd >/dev/null 2>&1 || missing+=(docker.io)
command -v iptables >/dev/null 2>&1 || missing+=(iptables)
command -v debootstrap >/dev/null 2>&1 || missing+=(debootstrap)
if ((${#missing[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
has_plugins || fetch_plugins
docker info >/dev/null 2>&1 && exit 0

log=$(mktemp --suffix=.dockerd.log)
# An engine without settings of its own keeps the cache of every build until a tenth of the disk is full of it.
options=()
if [ ! -e /etc/docker/daemon.json ]; then
    options=(--config-file "$(mktemp --suffix=.dockerd.json)")
    echo '{"builder": {"gc": {"enabled": true, "defaultKeepStorage": "8GB"}}}' >"${options[1]}"
fi
setsid dockerd "${options[@]}" >"$log" 2>&1 </dev/null &
for _ in $(seq 120); do
    docker info >/dev/null 2>&1 && exit 0
    kill -0 $! 2>/dev/null || break
    sleep 0.5
done
echo "dockerd does not answer; its log:" >&2
tail -n 20 "$log" >&2
exit 1
