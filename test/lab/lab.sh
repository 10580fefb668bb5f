#!/bin/bash
# lab.sh - libvirt hosts in namespaces of one machine, for tests.  See README.md.
set -euo pipefail
HERE=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export LAB_NAME=${LAB_NAME:-lab}               # several labs on one machine: another name (at most 6 letters) and network
export LAB_STATE=${LAB_STATE:-/tmp/vmplacement-$LAB_NAME}  # everything the lab writes is under here
NET=${LAB_NET:-10.77}                         # cluster k is $NET.k.0/24, the controller is .1
VIRSH="virsh -q -c qemu:///system"
H=$LAB_STATE/hosts

usage() { cat <<U
lab.sh build [--force]             guest kernel + initramfs, ssh keys  (LAB_KERNEL=version to choose)
lab.sh up N [--clusters K]         hosts host-a.. (N<=26) dealt in order over K networks (default 1).
                                   Hosts of different clusters have no route to each other; the
                                   controller (this namespace) reaches all.
lab.sh route on|off                a route between the clusters, through the controller
lab.sh link HOST on|off            cut a host from its network, or plug it in again
lab.sh datacenter                  the hosts as a datacenter file, which belongs into $LAB_STATE
lab.sh status                      hosts, cluster, address, state, memory
lab.sh exec HOST CMD...            run in a host (root, all its namespaces); stdin is passed
lab.sh ssh HOST CMD...             the same over ssh from the controller
lab.sh login HOST NAME             a login that is not root, known to this host only, with the lab's key; lines for
                                   its sudoers file are read from stdin
lab.sh share HOST...               a folder that all of them see, /srv/shared, with a pool "shared"
lab.sh unshare HOST...             takes it away again
lab.sh vm HOST NAME [options]      define and start a guest, wait for its first ACK
   --size 1G --mem 96 --format qcow2|raw --data MIB (random data from 256 MiB on)
   --dir /srv/shared               the disk lies there
   --args 'lab.x=y ...' (see guest-init) --no-start --no-wait --cache MODE --vcpus 1
lab.sh say HOST NAME [--expect REGEX] WORDS...   a line on the guest's serial console ("dirty 64 128",
                                   "pause", ... see guest-init); --expect waits for the answer
lab.sh console HOST NAME           path of the guest's console log
lab.sh wait HOST NAME REGEX [S]    wait until the console log has a new line like REGEX (default 60 s)
lab.sh check-disk FILE [options]   prove that no acknowledged write is lost (check-disk.py --help)
lab.sh compare FILE FILE            of two qcow2 images, by the controller's paths: do guests see the same?
lab.sh disk HOST FILE              controller's path of /var/lib/libvirt/images/FILE of HOST
lab.sh libvirtd HOST kill|stop|start   kill -9 (the supervisor restarts it) / keep it down / start
lab.sh crash HOST | boot HOST      power loss of a host and its return (disks and definitions stay)
lab.sh down [--keep|--all]         stop all; --keep: keep the hosts' disks; --all: drop the build too
U
exit 2; }
die() { echo "lab.sh: $*" >&2; exit 1; }
names() { local i; for ((i = 0; i < $1; i++)); do printf 'host-%b\n' "\\x$(printf %x $((97 + i)))"; done; }
veth() { echo "v-$LAB_NAME-${1#host-}"; }
alive() {  # HOST: is its init running?
  local p; p=$(cat "$H/$1/pid" 2>/dev/null) || return 1
  [ -d "/proc/$p" ] && tr '\0' ' ' < "/proc/$p/cmdline" 2>/dev/null | grep -q "host.sh $1 "
}
initpid() { alive "$1" || die "host $1 is not up"; local p; p=$(cat "$H/$1/pid"); cat "/proc/$p/task/$p/children" | tr -d ' '; }
inhost() { local h=$1 p; shift; p=$(initpid "$h"); nsenter -t "$p" -m -u -i -n -p -- env HOME=/root LC_ALL=C "$@"; }

build() {
  local kver g=$LAB_STATE/guest m
  mkdir -p "$g" "$LAB_STATE/ssh"
  [ -e "$LAB_STATE/ssh/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C lab -f "$LAB_STATE/ssh/id_ed25519"
  [ "${1:-}" = --force ] || [ ! -e "$g/initrd.gz" ] || [ "$HERE/guest-init" -nt "$g/initrd.gz" ] || { echo "already built: $g"; return; }
  kver=${LAB_KERNEL:-$(ls -1 /lib/modules | grep cloud-amd64 | sort -V | tail -1)}
  [ -e "/boot/vmlinuz-$kver" ] || die "no cloud kernel: apt-get install linux-image-cloud-amd64"
  local t; t=$(mktemp -d)
  mkdir -p "$t"/{bin,proc,sys,dev,mod,etc}
  cp /bin/busybox "$t/bin/busybox"; cp "$HERE/guest-init" "$t/init"; chmod 755 "$t/init" "$t/bin/busybox"
  for m in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_blk virtio_net button evdev; do
    local f; f=$(find "/lib/modules/$kver" -name "$m.ko*" | head -1)
    [ -n "$f" ] || continue
    case $f in *.xz) xz -dc "$f" > "$t/mod/$m.ko";; *.zst) zstd -qdc "$f" > "$t/mod/$m.ko";; *) cp "$f" "$t/mod/$m.ko";; esac
    echo $m >> "$t/mod/order"
  done
  (cd "$t" && find . | cpio -o -H newc --quiet | gzip -1 > "$g/initrd.gz.new") && mv "$g/initrd.gz.new" "$g/initrd.gz"
  cp "/boot/vmlinuz-$kver" "$g/vmlinuz"; rm -rf "$t"
  echo "built: $g (kernel $kver, initramfs $(stat -c %s "$g/initrd.gz") bytes)"
}

start_host() {  # HOST
  local h=$1 ip i; ip=$(cat "$H/$h/ip")
  alive "$h" && return 0
  rm -f "$H/$h/pid"
  setsid nohup ip netns exec "$LAB_NAME-$h" unshare -m -u -i -p -f --kill-child --mount-proc tini -s -- "$HERE/host.sh" "$h" "$ip" > "$H/$h/boot.log" 2>&1 < /dev/null &
  echo $! > "$H/$h/pid"
}
ready_host() {  # HOST: libvirtd answers, sshd answers, pool and network exist
  local h=$1 i ok=
  for ((i = 0; i < 150; i++)); do
    if alive "$h" && inhost "$h" $VIRSH version > /dev/null 2>&1; then ok=1; break; fi; sleep 0.2
  done
  [ -n "$ok" ] || { tail -5 "$H/$h/boot.log" >&2; die "host $h did not come up"; }
  inhost "$h" bash -c "V='$VIRSH'
    \$V pool-info default >/dev/null 2>&1 || { \$V pool-define-as default dir --target /var/lib/libvirt/images >/dev/null; \$V pool-autostart default >/dev/null; }
    \$V pool-list --name | grep -q default || \$V pool-start default > /dev/null
    \$V net-info lan >/dev/null 2>&1 || { echo '<network><name>lan</name><forward mode=\"bridge\"/><bridge name=\"br0\"/></network>' | \$V net-define /dev/stdin >/dev/null; \$V net-autostart lan > /dev/null; }
    \$V net-list --name | grep -q lan || \$V net-start lan > /dev/null" > /dev/null
}
up() {
  local n=$1 k=1 h i=0 c ip; shift
  while [ $# -gt 0 ]; do case $1 in --clusters) k=$2; shift 2;; *) usage;; esac; done
  [ -e "$LAB_STATE/guest/initrd.gz" ] || build
  mkdir -p "$H"
  if [ -e "$LAB_STATE/shape" ] && [ "$(cat "$LAB_STATE/shape")" != "$n $k" ]; then die "lab is up with shape '$(cat "$LAB_STATE/shape")': run down first"; fi
  echo "$n $k" > "$LAB_STATE/shape"
  for ((c = 1; c <= k; c++)); do
    ip link show $LAB_NAME-br$c > /dev/null 2>&1 || ip link add $LAB_NAME-br$c type bridge
    ip addr show $LAB_NAME-br$c | grep -q "$NET.$c.1/" || ip addr add $NET.$c.1/24 dev $LAB_NAME-br$c
    ip link set $LAB_NAME-br$c up
  done
  : > "$LAB_STATE/hosts.txt.new"; : > "$LAB_STATE/ssh/config.new"; : > "$LAB_STATE/ssh/known_hosts.new"
  echo "127.0.0.1 localhost" >> "$LAB_STATE/hosts.txt.new"
  for h in $(names $n); do
    c=$(( i * k / n + 1 )); ip=$NET.$c.$((11 + i)); i=$((i + 1))
    mkdir -p "$H/$h"; echo $ip > "$H/$h/ip"; echo $c > "$H/$h/cluster"
    [ -e "$H/$h/uuid" ] || cat /proc/sys/kernel/random/uuid > "$H/$h/uuid"
    [ -e "$H/$h/ssh_host_ed25519_key" ] || ssh-keygen -q -t ed25519 -N '' -C $h -f "$H/$h/ssh_host_ed25519_key"
    echo "$ip $h" >> "$LAB_STATE/hosts.txt.new"
    echo "$h,$ip $(cut -d' ' -f1,2 "$H/$h/ssh_host_ed25519_key.pub")" >> "$LAB_STATE/ssh/known_hosts.new"
    printf 'Host %s\n HostName %s\n User root\n HostKeyAlias %s\n' $h $ip $h >> "$LAB_STATE/ssh/config.new"
    ip netns list | grep -qw "$LAB_NAME-$h" || ip netns add $LAB_NAME-$h
    if ! ip link show $(veth $h) > /dev/null 2>&1; then
      ip link add $(veth $h) type veth peer name eth0 netns $LAB_NAME-$h
      ip link set $(veth $h) master $LAB_NAME-br$c; ip link set $(veth $h) up
      ip netns exec $LAB_NAME-$h ip addr add $ip/24 dev eth0; ip netns exec $LAB_NAME-$h ip link set eth0 up   # no default route
    fi
  done
  printf 'Host *\n IdentityFile %s/ssh/id_ed25519\n IdentitiesOnly yes\n UserKnownHostsFile %s/ssh/known_hosts\n LogLevel ERROR\n' "$LAB_STATE" "$LAB_STATE" >> "$LAB_STATE/ssh/config.new"
  for f in hosts.txt ssh/config ssh/known_hosts; do mv "$LAB_STATE/$f.new" "$LAB_STATE/$f"; done
  # of a size of its own: storage of one size and of unlike content on two hosts may be the same
  mkdir -p "$LAB_STATE/shared"
  mountpoint -q "$LAB_STATE/shared" || mount -t tmpfs -o size=3000M,mode=755 tmpfs "$LAB_STATE/shared"
  for h in $(names $n); do start_host $h; done
  for h in $(names $n); do ready_host $h; done
  status
}
status() {
  local h p rss pid s
  [ -e "$LAB_STATE/shape" ] || { echo "lab is down"; return; }
  for h in $(ls "$H"); do
    if alive "$h"; then
      p=$(initpid "$h"); s=$(readlink "/proc/$p/ns/pid"); rss=0
      for pid in $(ls /proc | grep -E '^[0-9]+$'); do
        [ "$(readlink "/proc/$pid/ns/pid" 2>/dev/null)" = "$s" ] && [ -e "/proc/$pid/smaps_rollup" ] && rss=$((rss + $(awk '/^Pss:/{print $2}' "/proc/$pid/smaps_rollup" 2>/dev/null || echo 0)))
      done
      echo "$h cluster=$(cat "$H/$h/cluster") ip=$(cat "$H/$h/ip") up pss=$((rss / 1024))MiB vms=$(inhost "$h" $VIRSH list --name 2>/dev/null | grep -c . || true)"
    else echo "$h cluster=$(cat "$H/$h/cluster") ip=$(cat "$H/$h/ip") down"; fi
  done
}
datacenter() {
  local colours=(blue green red grey) n k h c; read -r n k < "$LAB_STATE/shape"
  echo "libvirt:"
  echo "  ssh: {user: root, identityFile: ssh/id_ed25519, knownHosts: ssh/known_hosts}"
  echo "  clusters:"
  for ((c = 1; c <= k; c++)); do
    echo "    ${colours[c - 1]}:"
    echo "      hosts:"
    for h in $(names $n); do [ "$(cat "$H/$h/cluster")" != $c ] || echo "        $h: {address: $(cat "$H/$h/ip")}"; done
  done
  [ $k = 1 ] || echo "  links:"
  for ((c = 1; c <= k; c++)); do
    for ((o = c + 1; o <= k; o++)); do echo "    - {between: [${colours[c - 1]}, ${colours[o - 1]}], direct: 'no'}"; done
  done
}
route() {
  local n k h c o; read -r n k < "$LAB_STATE/shape"
  for ((c = 1; c <= k; c++)); do echo $([ "$1" = on ] && echo 1 || echo 0) > /proc/sys/net/ipv4/conf/$LAB_NAME-br$c/forwarding; done
  for h in $(names $n); do
    c=$(cat "$H/$h/cluster")
    for ((o = 1; o <= k; o++)); do
      [ $o = $c ] && continue
      if [ "$1" = on ]; then ip netns exec "$LAB_NAME-$h" ip route replace $NET.$o.0/24 via $NET.$c.1
      else ip netns exec "$LAB_NAME-$h" ip route del $NET.$o.0/24 2> /dev/null || true; fi
    done
  done
}
kill_host() {  # HOST: SIGKILL of unshare takes the whole pid namespace with it
  local p i; alive "$1" || { rm -f "$H/$1/pid"; return 0; }
  p=$(cat "$H/$1/pid"); kill -9 "$p" 2>/dev/null || true
  local c; for ((i = 0; i < 50; i++)); do [ -d "/proc/$p" ] || break; sleep 0.1; done
  rm -f "$H/$1/pid"; sleep 0.3
}
down() {
  local h c
  if [ -d "$H" ]; then
    for h in $(ls "$H"); do kill_host $h; done
    for h in $(ls "$H"); do ip link del $(veth $h) 2>/dev/null || true; ip netns del $LAB_NAME-$h 2>/dev/null || true; done
  fi
  for c in 1 2 3 4 5 6 7 8 9; do ip link del $LAB_NAME-br$c 2>/dev/null || true; done
  umount -l "$LAB_STATE/shared" 2>/dev/null || true
  rm -f "$LAB_STATE/shape"
  [ "${1:-}" = --keep ] || rm -rf "$H"
  [ "${1:-}" = --all ] && rm -rf "$LAB_STATE"
  echo "lab is down"
}
login() {  # HOST NAME
  inhost "$1" sh -ec 'r=/run/lab/etc; [ -d $r ] || { mkdir $r
      for f in passwd group shadow sudoers.d; do cp -a /etc/$f $r/$f; mount --bind $r/$f /etc/$f; done; }
    id "$1" > /dev/null 2>&1 || { u=$((2000 + $(wc -l < /etc/passwd))); h=/run/lab/home-$1
      echo "$1:x:$u:$u::$h:/bin/sh" >> /etc/passwd; echo "$1:x:$u:" >> /etc/group; echo "$1:*:::::::" >> /etc/shadow
      mkdir -m 700 $h $h/.ssh; cp /root/.ssh/authorized_keys $h/.ssh/; chown -R $u:$u $h; }
    cat > "/etc/sudoers.d/$1"; chmod 440 "/etc/sudoers.d/$1"; visudo -qcf "/etc/sudoers.d/$1"' sh "$2"
}
share() {
  local h; for h in "$@"; do
    touch "$H/$h/shares"
    inhost "$h" bash -c "$(cat "$HERE/share.sh")"  # a checkout below /tmp is not seen there
    inhost "$h" sh -ec "V='$VIRSH'; \$V pool-info shared > /dev/null 2>&1 || { \$V pool-define-as shared dir --target /srv/shared; \$V pool-autostart shared; \$V pool-start shared; } > /dev/null"
  done
}
unshare_folder() {
  local h; for h in "$@"; do
    rm -f "$H/$h/shares"
    inhost "$h" sh -c "V='$VIRSH'; \$V pool-destroy shared; \$V pool-undefine shared; fusermount -u /srv/shared" > /dev/null 2>&1 || true
  done
}
lines() { if [ -e "$1" ]; then wc -l < "$1"; else echo 0; fi; }
console() { echo "$H/$1/log/$2.console"; }
wait_console() {  # HOST NAME REGEX SECONDS FROMLINE
  local f i from=${5:-0}; f=$(console "$1" "$2")
  for ((i = 0; i < ${4:-60} * 10; i++)); do
    [ -e "$f" ] && tail -n +$((from + 1)) "$f" | grep -qaE "$3" && { tail -n +$((from + 1)) "$f" | grep -aE "$3" | tail -1; return 0; }
    sleep 0.1
  done; return 1
}
vm() {
  local h=$1 n=$2 size=1G mem=96 fmt=qcow2 data=0 args= start=1 waitup=1 cache= vcpus=1 dir=/var/lib/libvirt/images; shift 2
  while [ $# -gt 0 ]; do case $1 in
    --size) size=$2; shift 2;; --mem) mem=$2; shift 2;; --format) fmt=$2; shift 2;; --data) data=$2; shift 2;;
    --args) args=$2; shift 2;; --cache) cache=" cache='$2'"; shift 2;; --vcpus) vcpus=$2; shift 2;; --dir) dir=$2; shift 2;;
    --no-start) start=; shift;; --no-wait) waitup=; shift;; *) usage;; esac; done
  local img=$H/$h/images/$n.$fmt
  [ $dir != /srv/shared ] || img=$LAB_STATE/shared/$n.$fmt
  [ -d "$H/$h" ] || die "no host $h"
  if [ ! -e "$img" ]; then
    if [ "$data" -gt 0 ]; then
      truncate -s $size "$img.tmp"; dd if=/dev/urandom of="$img.tmp" bs=1M seek=256 count=$data conv=notrunc status=none
      if [ $fmt = raw ]; then mv "$img.tmp" "$img"; else qemu-img convert -q -f raw -O $fmt "$img.tmp" "$img"; rm "$img.tmp"; fi
    else qemu-img create -q -f $fmt "$img" $size; fi
  fi
  inhost "$h" $VIRSH pool-refresh default > /dev/null 2>&1 || true
  inhost "$h" $VIRSH dominfo "$n" > /dev/null 2>&1 || inhost "$h" $VIRSH define /dev/stdin <<X
<domain type='qemu'>
  <name>$n</name><memory unit='MiB'>$mem</memory><vcpu>$vcpus</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>/srv/lab/vmlinuz</kernel><initrd>/srv/lab/initrd.gz</initrd><cmdline>console=ttyS0 quiet $args</cmdline></os>
  <features><acpi/></features><cpu mode='custom' match='exact'><model>qemu64</model></cpu>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='$fmt'$cache/><source file='$dir/$n.$fmt'/><target dev='vda' bus='virtio'/></disk>
    <interface type='network'><source network='lan'/><model type='virtio'/></interface>
    <serial type='pty'><log file='/var/log/$n.console' append='on'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
X
  [ -n "$start" ] || return 0
  local from; from=$(lines "$(console $h $n)")
  inhost "$h" $VIRSH domstate "$n" | grep -q running || inhost "$h" $VIRSH start "$n"
  [ -z "$waitup" ] || wait_console $h $n '^ACK' 90 $from || die "$n on $h: no ACK within 90 s"
}
say() {
  local h=$1 n=$2 t want= from; shift 2
  [ "${1:-}" = --expect ] && { want=$2; shift 2; }
  from=$(lines "$(console "$h" "$n")"); t=$(inhost "$h" $VIRSH ttyconsole "$n")
  inhost "$h" sh -c "{ sleep 1.2; printf '%s\\n' '$*'; sleep 0.3; } > $t"  # QEMU notices an opened pty once a second
  [ -z "$want" ] || wait_console "$h" "$n" "$want" 120 "$from" || die "$n: no '$want' on the console"
}

[ $# -gt 0 ] || usage
c=$1; shift
case $c in
  build) build "$@";; up) [ $# -ge 1 ] || usage; up "$@";; status) status;; datacenter) datacenter;; down) down "$@";;
  exec) [ $# -ge 2 ] || usage; inhost "$@";;
  ssh) [ $# -ge 1 ] || usage; exec ssh -F "$LAB_STATE/ssh/config" "$@";;
  vm) [ $# -ge 2 ] || usage; vm "$@";;
  share) share "$@";; unshare) unshare_folder "$@";;
  login) [ $# -eq 2 ] || usage; login "$@";;
  say) say "$@";; console) console "$@";; disk) echo "$H/$1/images/$2";;
  wait) wait_console "$1" "$2" "$3" "${4:-60}" "$(lines "$(console "$1" "$2")")";;
  route) route "$1";; link) ip link set "$(veth "$1")" $([ "$2" = on ] && echo up || echo down);;
  compare) exec qemu-img compare -f qcow2 -F qcow2 "$@";;
  check-disk) exec "$HERE/check-disk.py" "$@";;
  libvirtd) case $2 in
      kill) inhost "$1" sh -c 'kill -9 $(cat /run/libvirtd.pid)';;
      stop) inhost "$1" sh -c 'touch /run/lab/hold; kill $(cat /run/libvirtd.pid)';;
      start) inhost "$1" rm -f /run/lab/hold; ready_host "$1";; *) usage;; esac;;
  crash) kill_host "$1";; boot) start_host "$1"; ready_host "$1";;
  *) usage;;
esac
