#!/bin/sh
# Installs PyTorch with the uv named by $UV: `deploy/torch.sh cpu` or `deploy/torch.sh cuda`.
# The CPU build comes from the folder of UV_FIND_LINKS when that has it, else from PyTorch's own index; its version says
# `+cpu`, which the CUDA build of the default index does not match. So CUDA is never pulled unless it is asked for.
set -eu
cd "$(dirname "$0")/.."
VERSION=2.13.0
case "${1:-}" in
cpu)
    "$UV" pip install --quiet --constraint requirements.lock "torch==$VERSION+cpu" 2>/dev/null ||
        "$UV" pip install --quiet --constraint requirements.lock --torch-backend cpu "torch==$VERSION"
    ;;
cuda) "$UV" pip install --quiet --constraint requirements.lock "torch==$VERSION" ;;
*)
    echo "TORCH must be cpu or cuda" >&2
    exit 2
    ;;
esac
