#!/usr/bin/env bash
# The base image that the Dockerfile asks for, where no registry of images can be reached: Debian's own bootstrap, imported
# under that tag. The mirror is the one that this machine's apt uses; its CA bundle goes along, for the build's downloads.
set -euo pipefail

tag=${1:?usage: base-image.sh TAG}
docker image inspect "$tag" >/dev/null 2>&1 && exit 0
timeout 60 docker pull --quiet "$tag" 2>/dev/null && exit 0

mirror=$(apt-get indextargets --format '$(SITE)' "Codename: bookworm" | head -n 1)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" "$mirror" >/dev/null
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar -C "$root" -c . | docker import --change 'CMD ["bash"]' - "$tag" >/dev/null
