#!/bin/sh
# Run a command in the tree of another distribution, in this folder. It wants to be root.
# Usage: in_tree.sh TREE COMMAND [ARGUMENT...]
set -eu
tree=$1
shift
here=$(pwd)
mkdir -p "$tree$here" "$tree/etc/ssl/certs"
cp /etc/resolv.conf /etc/hosts "$tree/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
# The mounts are this process's own, and end with it.
exec unshare --mount sh -c '
    tree=$1 here=$2
    shift 2
    for folder in /proc /dev /sys /tmp "$here"; do
        mount --rbind "$folder" "$tree$folder"
    done
    exec chroot "$tree" sh -c "cd \"\$1\" && shift && exec \"\$@\"" -- "$here" "$@"
' -- "$tree" "$here" "$@"
