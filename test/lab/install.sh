#!/bin/bash
# install.sh: what the lab needs and this machine lacks, by apt. Nothing is asked of the network when nothing is missing.
set -euo pipefail
need="qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients openssh-server openssh-client busybox-static
  linux-image-cloud-amd64 libnbd-bin iproute2 cpio tini python3 socat rsync ovmf kmod sudo bindfs"

[ "$(id -u)" = 0 ] || { echo "the lab needs root (network namespaces, mounts, /dev/net/tun)" >&2; exit 1; }
missing=
for package in $need; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "installing:$missing"
  apt-get update -q > /dev/null
  # No daemon of these packages is to run outside of the lab's hosts.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod 755 $policy; trap 'rm -f $policy' EXIT; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing > /dev/null
fi
mkdir -p /dev/net
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
[ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229
