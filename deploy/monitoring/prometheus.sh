#!/usr/bin/env bash
# Debian's Prometheus unpacked into a folder, and nothing installed or started: usr/bin/prometheus and usr/bin/promtool.
set -euo pipefail
folder=${1:?usage: prometheus.sh FOLDER}
[ -x "$folder/usr/bin/promtool" ] && exit 0
mkdir -p "$folder"
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root prometheus 2>/dev/null ||
    { apt-get update -qq && apt-get download -qq -o APT::Sandbox::User=root prometheus; }
dpkg -x prometheus_*.deb .
rm prometheus_*.deb
